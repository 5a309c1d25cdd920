// Tokens that land in memory of the masker, for a device to gather them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>

#include "client/masking_client.h"
#include "server/masking_server.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

struct Seen {
  std::atomic<int> calls_with_tokens = 0;
  std::atomic<int> calls_without = 0;
  std::atomic<int> blocks = 0;  // of token memory, allocated so far
  std::atomic<std::int64_t> most_landed = 0;
  std::atomic<bool> fail = false;
};

// The CPU, which gives out token memory as a device does.
class LandingMasker final : public Masker {
 public:
  explicit LandingMasker(Seen* seen) : seen_(*seen) {}

  absl::Status Mask(const MaskingPlan& plan, const MaskingBuffers& buffers,
                    const IsCancelled& is_cancelled) override {
    ++(buffers.tokens != nullptr ? seen_.calls_with_tokens : seen_.calls_without);
    if (buffers.tokens != nullptr && plan.tokens_bytes > seen_.most_landed)
      seen_.most_landed = plan.tokens_bytes;
    if (seen_.fail) return absl::InternalError("the card fell out of its slot");
    return cpu_->Mask(plan, buffers, is_cancelled);
  }
  HostBlock AllocateTokenMemory(std::size_t bytes) override {
    ++seen_.blocks;
    return AllocateHostBlock(bytes);
  }
  std::string backend() const override { return "cuda"; }
  std::string device_name() const override { return "a card"; }

 private:
  Seen& seen_;
  const std::unique_ptr<Masker> cpu_ = MakeCpuMasker(1);
};

std::string RandomBytes(std::size_t size) {
  std::mt19937_64 random(size);
  std::string bytes(size, 0);
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

class LandingTest : public ::testing::Test {
 protected:
  void Start(const Limits& limits = {}) {
    auto server = MaskingServer::Start(std::make_unique<LandingMasker>(&seen_),
                                       {.limits = limits, .gather_on_device = true});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // The same batch of the server and of the CPU.
  void ExpectSame(const MaskingSpec& spec, std::int64_t stream_from_bytes) {
    const MaskingPlan plan = *MakeMaskingPlan(spec);
    const std::string tokens = RandomBytes(static_cast<std::size_t>(plan.tokens_bytes));
    const std::span<const std::byte> bytes = std::as_bytes(std::span(tokens));
    MaskingClient client(server_->InProcessChannel(), {.stream_from_bytes = stream_from_bytes});
    const auto batch = client.RandomMasking(spec, bytes);
    ASSERT_TRUE(batch.ok()) << batch.status();

    std::string kept(static_cast<std::size_t>(plan.result_bytes.kept_tokens), 0);
    std::string mask(static_cast<std::size_t>(plan.result_bytes.mask), 0);
    std::string ids(static_cast<std::size_t>(plan.result_bytes.ids_keep), 0);
    const auto data = [](std::string& results) { return reinterpret_cast<std::byte*>(results.data()); };
    ASSERT_TRUE(MakeCpuMasker(1)
                    ->Mask(plan, {.tokens = bytes.data(),
                                  .kept_tokens = data(kept),
                                  .mask = data(mask),
                                  .ids_keep = data(ids)})
                    .ok());
    EXPECT_TRUE(batch->kept_tokens == kept);
    EXPECT_TRUE(batch->mask == mask);
    EXPECT_TRUE(batch->ids_keep == ids);
  }

  static MaskingSpec Spec(std::int64_t batch_size, std::int64_t token_dim) {
    MaskingSpec spec{.batch_size = batch_size,
                     .sequence_length = 196,
                     .token_type = TokenType{token_dim, 1},
                     .mask_ratio = 0.75};
    spec.selection = {.kept_tokens = true, .mask = true, .ids_keep = true};
    return spec;
  }

  Seen seen_;
  std::unique_ptr<MaskingServer> server_;
};

constexpr std::int64_t kUnary = std::int64_t{1} << 40;
constexpr std::int64_t kStreamed = 0;

TEST_F(LandingTest, TheMaskerGathersUnaryAndStreamedBatches) {
  Start();
  for (const std::int64_t way : {kUnary, kStreamed}) {
    for (const std::int64_t token_dim : {1, 17, 768, 3072}) {
      for (const std::int64_t batch_size : {1, 3, 40}) {
        SCOPED_TRACE(testing::Message() << way << " " << token_dim << " " << batch_size);
        ExpectSame(Spec(batch_size, token_dim), way);
      }
    }
    MaskingSpec spec = Spec(5, 64);
    spec.noise_source = NoiseSource::kTorchCpu;
    ExpectSame(spec, way);
    spec.num_keep = 0;
    ExpectSame(spec, way);
  }
  EXPECT_GT(seen_.calls_with_tokens, 0);
  EXPECT_EQ(seen_.calls_without, 0);
  ExpectBudgetReturns(*server_);
}

TEST_F(LandingTest, MemoryIsUsedAgain) {
  Start();
  ExpectSame(Spec(8, 3072), kUnary);
  const int blocks = seen_.blocks;
  for (int i = 0; i < 5; ++i) ExpectSame(Spec(8, 3072), kUnary);
  EXPECT_EQ(seen_.blocks, blocks);
}

TEST_F(LandingTest, WithoutKeptTokensNothingLands) {
  Start();
  MaskingSpec spec = Spec(4, 64);
  spec.selection.kept_tokens = false;
  ExpectSame(spec, kUnary);
  ExpectSame(spec, kStreamed);
  EXPECT_EQ(seen_.blocks, 0);
  EXPECT_EQ(seen_.calls_with_tokens, 0);
}

TEST_F(LandingTest, AStreamLandsAPartAtATime) {
  Start();
  ExpectSame(Spec(256, 768), kStreamed);
  EXPECT_GT(seen_.calls_with_tokens, 4);
  EXPECT_LT(seen_.most_landed, std::int64_t{8} << 20);
}

// Request and response have 12 MB, the copy of the tokens 9.6 MB more.
TEST_F(LandingTest, LandedTokensAreOfTheBudget) {
  Start({.max_message_bytes = std::int64_t{16} << 20, .max_inflight_bytes = std::int64_t{16} << 20});
  const MaskingSpec spec = Spec(64, 768);
  const std::string tokens = RandomBytes(64 * 196 * 768);
  MaskingClient client(server_->InProcessChannel(), {.stream_from_bytes = kUnary});
  const auto batch = client.RandomMasking(spec, std::as_bytes(std::span(tokens)));
  EXPECT_EQ(batch.status().code(), absl::StatusCode::kResourceExhausted) << batch.status();
  EXPECT_EQ(seen_.blocks, 0);
  ExpectSame(Spec(32, 768), kUnary);
  ExpectBudgetReturns(*server_);
}

TEST_F(LandingTest, AnErrorOfTheMaskerEndsTheCallAndTheNextWorks) {
  Start();
  for (const std::int64_t way : {kUnary, kStreamed}) {
    seen_.fail = true;
    const std::string tokens = RandomBytes(8 * 196 * 768);
    MaskingClient client(server_->InProcessChannel(), {.stream_from_bytes = way});
    const auto batch = client.RandomMasking(Spec(8, 768), std::as_bytes(std::span(tokens)));
    EXPECT_EQ(batch.status().code(), absl::StatusCode::kInternal) << batch.status();
    seen_.fail = false;
    ExpectSame(Spec(8, 768), way);
  }
}

}  // namespace
}  // namespace maskd
