// Many callers at once against room for two: all are answered, with their own
// bytes.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/masking_client.h"
#include "kernels/masker.h"
#include "tests/contract/masked_results.h"
#include "tests/contract/masking_case.h"
#include "tests/end_to_end/guarded_call.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/streamed_batches.h"

namespace maskd {
namespace {

// A batch of 0.5 MB, another one for every caller.
MaskingCase CaseOf(std::uint64_t caller) {
  return {.name = "Caller" + std::to_string(caller),
          .spec = {.batch_size = 16,
                   .sequence_length = 64,
                   .token_type = TokenType{.token_dim = 128, .element_bytes = 4},
                   .mask_ratio = 0.5,
                   .seed = caller,
                   .selection = kAllResults},
          .sample_ids = {}};
}

// Has `call(caller)` made by `callers` threads at once, each some times.
template <typename Call>
void MakeCrowd(std::uint64_t callers, Call call) {
  std::vector<std::thread> threads;
  for (std::uint64_t caller = 0; caller < callers; ++caller) {
    threads.emplace_back([caller, call] {
      for (int i = 0; i < 5; ++i) call(caller);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Each waits in line until there is room for a largest call: 2 MiB.
TEST(CrowdTest, PlainUnaryCallersAllGetTheirTurn) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback,
                            {.max_message_bytes = 1 << 20, .max_inflight_bytes = 4 << 20});
  MakeCrowd(16, [&](std::uint64_t caller) {
    const PreparedCase prepared(CaseOf(caller));
    v1::RandomMaskingResponse response;
    const grpc::Status status = CallUnary(served.stub(), RequestOf(prepared), &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    const MaskedResults expected = MaskOrFail(*MakeReferenceMasker(), prepared.plan(), prepared.tokens());
    const auto* const kept = reinterpret_cast<const std::byte*>(response.kept_tokens().data());
    EXPECT_TRUE(std::vector(kept, kept + response.kept_tokens().size()) == expected.kept_tokens);
    const std::string& ids = response.masking().ids_restore().data();
    const auto* const restore = reinterpret_cast<const std::byte*>(ids.data());
    EXPECT_TRUE(std::vector(restore, restore + ids.size()) == expected.ids_restore);
  });
  ExpectBudgetReturns(served.server());
}

void ExpectAllAnswered(std::int64_t max_inflight_bytes, const MaskingClient::Options& options) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback,
                            {.max_message_bytes = 1 << 20, .max_inflight_bytes = max_inflight_bytes});
  const auto client = MaskingClient::Connect(served.address(), options).value();
  MakeCrowd(12, [&](std::uint64_t caller) { ExpectReferenceResults(*client, CaseOf(caller)); });
  ExpectBudgetReturns(served.server());
}

TEST(CrowdTest, UnaryClientsTryAgainUntilThereIsRoom) {
  ExpectAllAnswered(2 << 20, {.stream_from_bytes = INT64_MAX});
}

TEST(CrowdTest, StreamingClientsTryAgainUntilThereIsRoom) {
  std::int64_t bytes_of_a_stream = 0;
  {
    const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
    OpenStream stream(served.stub());
    ASSERT_TRUE(stream.Admit(RequestOf(PreparedCase(CaseOf(0)))));
    bytes_of_a_stream = served.server().inflight_bytes();
  }
  ASSERT_GT(bytes_of_a_stream, kSmallCallBytes);
  ExpectAllAnswered(2 * bytes_of_a_stream, {.stream_from_bytes = 0});
}

}  // namespace
}  // namespace maskd
