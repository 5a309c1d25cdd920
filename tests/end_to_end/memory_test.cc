// In steady state nothing large is allocated, on either side; and memory that is
// used again shows nothing of an earlier call.
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/masking_client.h"
#include "kernels/masker.h"
#include "tests/contract/masked_results.h"
#include "tests/contract/masking_case.h"
#include "tests/end_to_end/guarded_call.h"
#include "tests/end_to_end/large_allocations.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/streamed_batches.h"

namespace maskd {
namespace {

// Both ways of a batch to the server.
class MemoryTest : public ::testing::TestWithParam<bool> {
 protected:
  ServedMasker served_{MakeCpuMasker(2), Transport::kLoopback};
  const std::unique_ptr<MaskingClient> client_ =
      MaskingClient::Connect(served_.address(), {.stream_from_bytes = GetParam() ? 0 : INT64_MAX}).value();
};

INSTANTIATE_TEST_SUITE_P(Ways, MemoryTest, ::testing::Bool(), NameOfWay);

// ---- Steady state.

// 4 MB of tokens and all results, into memory that is used again.
class SteadyCaller {
 public:
  explicit SteadyCaller(const MaskingCase& masking_case) : prepared_(masking_case) {
    for (const ResultField& field : kResultFields) {
      memory_.emplace_back(static_cast<std::size_t>(prepared_.plan().result_bytes.*field.size));
      buffers_.*field.buffer = memory_.back().data();
    }
  }

  absl::Status Call(MaskingClient& client) {
    return client.RandomMasking(prepared_.spec(), prepared_.tokens(), buffers_).status();
  }

  void ExpectResults() {
    MaskedResults results;
    for (std::size_t i = 0; i < memory_.size(); ++i) results.*kResultFields[i].bytes = memory_[i];
    ExpectSameResults(results, MaskOrFail(*MakeReferenceMasker(), prepared_.plan(), prepared_.tokens()));
  }

 private:
  const PreparedCase prepared_;
  std::vector<std::vector<std::byte>> memory_;
  MaskingBuffers buffers_;
};

MaskingCase FourMegabytes() {
  return {.name = "FourMegabytes",
          .spec = {.batch_size = 7,
                   .sequence_length = 196,
                   .token_type = TokenType{.token_dim = 768, .element_bytes = 4},
                   .mask_ratio = 0.5,
                   .selection = kAllResults},
          .sample_ids = {}};
}

TEST(LargeAllocationsTest, AreCounted) {
  if (!LargeAllocationsAreCounted()) GTEST_SKIP() << "a sanitizer has malloc for itself";
  const std::int64_t before = LargeAllocations();
  void* volatile by_malloc = std::malloc(kLargeBytes);
  char* volatile by_new = new char[kLargeBytes];
  void* volatile small = std::malloc(kLargeBytes - 1);
  EXPECT_EQ(LargeAllocations() - before, 2);
  std::free(by_malloc);
  std::free(small);
  delete[] by_new;
}

TEST_P(MemoryTest, SteadyStateAllocatesNothingLarge) {
  // Several at once, so that a response that is let go of late finds another
  // block to follow it.
  std::vector<std::thread> warm_up;
  for (int i = 0; i < 4; ++i) {
    warm_up.emplace_back([&] {
      SteadyCaller other(FourMegabytes());
      for (int j = 0; j < 20; ++j) EXPECT_TRUE(other.Call(*client_).ok());
    });
  }
  for (std::thread& thread : warm_up) thread.join();
  SteadyCaller caller(FourMegabytes());
  ASSERT_TRUE(caller.Call(*client_).ok());
  const std::int64_t large = LargeAllocations();
  const std::int64_t replies = served_.server().reply_allocations();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(caller.Call(*client_).ok());
  EXPECT_EQ(LargeAllocations() - large, 0) << "the last of " << LastLargeAllocation() << " bytes";
  EXPECT_EQ(served_.server().reply_allocations() - replies, 0);
  caller.ExpectResults();
}

TEST_P(MemoryTest, RepliesAreWrittenIntoMemoryThatWasUsedBefore) {
  SteadyCaller caller(FourMegabytes());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(caller.Call(*client_).ok());
  EXPECT_GT(served_.server().reply_allocations(), 0);
  EXPECT_LE(served_.server().reply_allocations(), 25) << "of 50 calls";
}

// ---- Memory that is used again.

// Leaves 0xaa in the server's memory, by calls and streams that end, and by a
// stream that is left half way.
void LeaveTraces(const ServedMasker& served) {
  v1::RandomMaskingRequest request = BulkRequest(4);
  request.mutable_spec()->set_num_keep(256);
  request.set_tokens(std::string(request.tokens().size(), '\xaa'));
  v1::RandomMaskingResponse response;
  ASSERT_TRUE(CallUnary(served.stub(), request, &response).ok());
  ASSERT_EQ(response.kept_tokens(), request.tokens());
  ASSERT_TRUE(StreamAll(served.stub(), MessagesOf(request, 1 << 18)).status.ok());
  OpenStream stream(served.stub());
  ASSERT_TRUE(stream.Admit(request));
  ASSERT_TRUE(stream.Write(TokensMessage(request.tokens().substr(0, 300000))));
}

TEST_P(MemoryTest, ResponsesShowNothingOfEarlierCalls) {
  for (const auto& cases : {ResultTypeCases(), TokenBytesCases(), LengthCases()}) {
    ASSERT_NO_FATAL_FAILURE(LeaveTraces(served_));
    int i = 0;
    for (const MaskingCase& masking_case : cases) {
      if (!masking_case.spec.token_type.has_value()) continue;
      if (++i % 20 == 0) LeaveTraces(served_);
      ExpectReferenceResults(*client_, masking_case);
    }
  }
}

// Every byte of the messages, not only those of the results: they are the same
// from a server that has served nothing else.
TEST(MessageBytesTest, AreThoseOfAFreshServer) {
  const ServedMasker used(MakeCpuMasker(2), Transport::kLoopback);
  for (const MaskingCase& masking_case : ResultTypeCases()) {
    if (!masking_case.spec.token_type.has_value()) continue;
    SCOPED_TRACE(masking_case.name);
    const v1::RandomMaskingRequest request = RequestOf(PreparedCase(masking_case));
    const ServedMasker fresh(MakeCpuMasker(2), Transport::kInProcess);
    v1::RandomMaskingResponse from_fresh, from_used;
    ASSERT_NO_FATAL_FAILURE(LeaveTraces(used));
    ASSERT_TRUE(CallUnary(fresh.stub(), request, &from_fresh).ok());
    ASSERT_TRUE(CallUnary(used.stub(), request, &from_used).ok());
    EXPECT_TRUE(from_fresh.SerializeAsString() == from_used.SerializeAsString());
    ExpectUnaryResults(fresh.stub(), {request},
                       StreamAll(used.stub(), MessagesOf(request, 1 + request.tokens().size() / 3)));

    v1::GenerateMaskRequest without_tokens;
    *without_tokens.mutable_layout() = request.layout();
    *without_tokens.mutable_spec() = request.spec();
    *without_tokens.mutable_selection() = request.selection();
    without_tokens.mutable_selection()->clear_results();
    v1::GenerateMaskResponse mask_of_fresh, mask_of_used;
    grpc::ClientContext fresh_context, used_context;
    ASSERT_TRUE(fresh.stub().GenerateMask(&fresh_context, without_tokens, &mask_of_fresh).ok());
    ASSERT_TRUE(used.stub().GenerateMask(&used_context, without_tokens, &mask_of_used).ok());
    EXPECT_TRUE(mask_of_fresh.SerializeAsString() == mask_of_used.SerializeAsString());
  }
}

}  // namespace
}  // namespace maskd
