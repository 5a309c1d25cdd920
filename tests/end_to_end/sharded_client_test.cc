// ShardedClient with servers that are well, and without any: the bytes of the
// reference, whoever computes them, and what it counts.
#include "client/sharded_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/client_statistics.h"
#include "kernels/masker.h"
#include "tests/contract/masking_case.h"
#include "tests/end_to_end/guarded_call.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Who computes.
struct Servers {
  const char* name;
  int count;  // 0: this process
  ShardedClient::Options options = {};
};

std::ostream& operator<<(std::ostream& out, const Servers& servers) { return out << servers.name; }

std::string ServersName(const ::testing::TestParamInfo<Servers>& info) { return info.param.name; }

class ShardedClientTest : public ::testing::TestWithParam<Servers> {
 protected:
  ShardedClientTest() {
    std::vector<std::string> addresses;
    for (int i = 0; i < GetParam().count; ++i) {
      served_.push_back(std::make_unique<ServedMasker>(MakeCpuMasker(1), Transport::kUnixSocket));
      addresses.push_back(served_.back()->address());
    }
    if (addresses.empty()) addresses = {"inproc:"};
    ShardedClient::Options options = GetParam().options;
    options.least_patience = std::chrono::minutes(1);  // tests share the cores with others
    client_ = ShardedClient::Connect(addresses, options).value();
  }

  void ExpectReferenceBytes(const std::vector<MaskingCase>& cases) {
    std::int64_t misalignment = 0;
    for (const MaskingCase& masking_case : InGoodTime(cases))
      ExpectReferenceResults(*client_, masking_case, misalignment++ % 64);
    EXPECT_EQ(client_->statistics().retries, 0);
    EXPECT_EQ(client_->statistics().fallbacks, 0);
  }

  std::vector<std::unique_ptr<ServedMasker>> served_;
  std::unique_ptr<ShardedClient> client_;
};

TEST_P(ShardedClientTest, LengthsAreTheBytesOfTheReference) { ExpectReferenceBytes(LengthCases()); }
TEST_P(ShardedClientTest, TokenBytesAreTheBytesOfTheReference) { ExpectReferenceBytes(TokenBytesCases()); }
TEST_P(ShardedClientTest, ResultTypesAreTheBytesOfTheReference) { ExpectReferenceBytes(ResultTypeCases()); }
TEST_P(ShardedClientTest, NoisesAreTheBytesOfTheReference) { ExpectReferenceBytes(NoiseCases()); }
TEST_P(ShardedClientTest, IdentitiesAreTheBytesOfTheReference) { ExpectReferenceBytes(IdentityCases()); }
TEST_P(ShardedClientTest, ModelsAreTheBytesOfTheReference) { ExpectReferenceBytes(ModelCases()); }

TEST_P(ShardedClientTest, WhatIsWrongIsSaidAsAServerSaysIt) {
  const ServedMasker served(MakeReferenceMasker(), Transport::kLoopback);
  const auto one = MaskingClient::Connect(served.address(), {}).value();
  const PreparedCase small({.name = "Small", .spec = SmallSpec(), .sample_ids = {}});
  const auto expect_same_refusal = [&](const MaskingSpec& spec, std::span<const std::byte> tokens) {
    const absl::Status status = client_->RandomMasking(spec, tokens, MaskingBuffers()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(status.message(), one->RandomMasking(spec, tokens, MaskingBuffers()).status().message());
  };
  expect_same_refusal(small.spec(), std::span(small.tokens()).first(7));
  MaskingSpec spec = small.spec();
  spec.mask_ratio = 1.0;
  expect_same_refusal(spec, small.tokens());
  spec = small.spec();
  spec.selection = {};
  expect_same_refusal(spec, small.tokens());
  spec = small.spec();
  spec.token_type.reset();
  EXPECT_EQ(client_->RandomMasking(spec, small.tokens(), MaskingBuffers()).status().code(),
            absl::StatusCode::kInvalidArgument);
  spec.selection.kept_tokens = true;
  EXPECT_EQ(client_->GenerateMask(spec, MaskingBuffers()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->statistics().calls, 5);
  EXPECT_EQ(client_->statistics().failed_calls, 5);
  EXPECT_EQ(client_->statistics().retries, 0);
  EXPECT_EQ(client_->statistics().fallbacks, 0);
}

// The same operation on the same values, as they come and one byte off.
TEST_P(ShardedClientTest, TensorsMayHaveAnyAlignment) {
  const double values[] = {1, 2, 3};
  const std::int64_t index[] = {2, 2};
  const double src[] = {10, 0.5};
  alignas(8) std::byte memory[3][32];
  const auto view = [&memory](int which, ElementType type, const auto& array, std::size_t offset) {
    std::memcpy(&memory[which][offset], array, sizeof(array));
    return TensorView{.form = {.type = type, .shape = {std::ssize(array)}},
                      .data = {&memory[which][offset], sizeof(array)}};
  };
  for (const std::size_t offset : {0, 1}) {
    ScatterArguments arguments;
    arguments.input = view(0, ElementType::kFloat64, values, offset);
    arguments.index = view(1, ElementType::kInt64, index, offset);
    arguments.src = view(2, ElementType::kFloat64, src, offset);
    const absl::StatusOr<Tensor> sums = client_->ScatterAdd(arguments);
    ASSERT_TRUE(sums.ok()) << sums.status();
    const double expected[] = {1, 2, 13.5};
    EXPECT_EQ(sums->data, std::string(reinterpret_cast<const char*>(expected), sizeof(expected)));
    arguments.src.data = arguments.src.data.first(8);
    const absl::Status status = client_->ScatterAdd(arguments).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(status.message(), "src has 8 bytes; its shape [2] of 8-byte elements has another number");
  }
  EXPECT_EQ(client_->statistics().calls, 4);
  EXPECT_EQ(client_->statistics().failed_calls, 2);
}

TEST_P(ShardedClientTest, CallsMayOverlap) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      MaskingCase masking_case = {.name = "Overlapping", .spec = SmallSpec(), .sample_ids = {}};
      masking_case.spec.batch_size = 7;
      for (int i = 0; i < 20; ++i) {
        masking_case.spec.seed = static_cast<std::uint64_t>(20 * t + i);
        ExpectReferenceResults(*client_, masking_case);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(client_->statistics().calls, 160);
  EXPECT_EQ(client_->statistics().failed_calls, 0);
}

TEST_P(ShardedClientTest, AStopEndsACall) {
  std::stop_source stop;
  stop.request_stop();
  const PreparedCase small({.name = "Small", .spec = SmallSpec(), .sample_ids = {}});
  const absl::Status status = CallIntoGuarded(*client_, small, nullptr, {.stop = stop.get_token()});
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  for (const ClientStatistics::Replica& replica : client_->statistics().replicas)
    EXPECT_TRUE(replica.healthy);
}

TEST_P(ShardedClientTest, SaysWhoAnswersAndThatTheyAreWell) {
  EXPECT_TRUE(client_->CheckHealth().ok());
  const absl::StatusOr<ServerInfo> info = client_->GetServerInfo();
  ASSERT_TRUE(info.ok()) << info.status();
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  const auto expected = MaskingClient::Connect(served.address(), {}).value()->GetServerInfo().value();
  EXPECT_EQ(info->version, expected.version);
  EXPECT_EQ(info->backend, "cpu");
  EXPECT_EQ(info->device_name, expected.device_name);
  EXPECT_EQ(info->algorithm_version, expected.algorithm_version);
  EXPECT_EQ(info->max_sequence_length, expected.max_sequence_length);
}

INSTANTIATE_TEST_SUITE_P(
    Servers, ShardedClientTest,
    ::testing::Values(
        Servers{"InProcess", 0, {.in_process_threads = 2}}, Servers{"OneServer", 1},
        Servers{"OneServerAndFallback", 1, {.fallback_in_process = true}},
        Servers{"ThreeServers", 3, {.least_part_bytes = 0}},
        Servers{"ThreeServersStreamed", 3, {.server = {.stream_from_bytes = 0}, .least_part_bytes = 0}}),
    ServersName);

// ---- What goes where.

// N = 12 samples of 1200 bytes there and 300 back.
MaskingCase TwelveSamples() {
  MaskingCase masking_case = {.name = "TwelveSamples", .spec = SmallSpec(), .sample_ids = {}};
  masking_case.spec = {.batch_size = 12,
                       .sequence_length = 100,
                       .token_type = TokenType{3, 4},
                       .mask_ratio = 0.75,
                       .selection = {.kept_tokens = true}};
  return masking_case;
}

TEST(ShardingTest, EveryServerHasAPartOfABatch) {
  const ServedMasker a(MakeCpuMasker(1), Transport::kLoopback);
  const ServedMasker b(MakeCpuMasker(1), Transport::kUnixSocket);
  const auto client =
      ShardedClient::Connect({a.address(), b.address()},
                             {.least_part_bytes = 1500, .least_patience = std::chrono::minutes(1)})
          .value();
  for (int call = 0; call < 3; ++call) ExpectReferenceResults(*client, TwelveSamples());
  client->AddWait(std::chrono::milliseconds(1500));
  client->AddWait(std::chrono::milliseconds(250));
  const ClientStatistics statistics = client->statistics();
  EXPECT_EQ(statistics.calls, 3);
  EXPECT_EQ(statistics.failed_calls, 0);
  EXPECT_EQ(statistics.retries, 0);
  EXPECT_EQ(statistics.fallbacks, 0);
  EXPECT_EQ(statistics.bytes_sent, 3 * 12 * 1200);
  EXPECT_EQ(statistics.bytes_received, 3 * 12 * 300);
  EXPECT_EQ(statistics.wait_seconds, 1.75);
  EXPECT_EQ(statistics.waits, 2);
  ASSERT_EQ(statistics.replicas.size(), 2);
  std::int64_t samples = 0;
  for (const ClientStatistics::Replica& replica : statistics.replicas) {
    EXPECT_TRUE(replica.healthy);
    EXPECT_GE(replica.calls, 1) << replica.address;  // both have the same share of the first
    EXPECT_GT(replica.samples_per_second, 0);
    EXPECT_EQ(replica.failures, 0);
    samples += replica.samples;
  }
  EXPECT_EQ(samples, 36);
  EXPECT_EQ(statistics.replicas[0].address, a.address());
}

TEST(ShardingTest, ABatchThatIsTooSmallIsNotSplit) {
  const ServedMasker a(MakeCpuMasker(1), Transport::kUnixSocket);
  const ServedMasker b(MakeCpuMasker(1), Transport::kUnixSocket);
  const auto client =
      ShardedClient::Connect({a.address(), b.address()}, {.least_patience = std::chrono::minutes(1)}).value();
  for (int call = 0; call < 4; ++call) ExpectReferenceResults(*client, TwelveSamples());
  std::int64_t calls = 0;
  for (const ClientStatistics::Replica& replica : client->statistics().replicas) {
    calls += replica.calls;
    EXPECT_GE(replica.calls, 1) << "was never tried";
  }
  EXPECT_EQ(calls, 4);
}

// Answers without masking.
class IdleMasker final : public Masker {
 public:
  absl::Status Mask(const MaskingPlan&, const MaskingBuffers&, const IsCancelled&) override {
    return absl::OkStatus();
  }
  std::string backend() const override { return "reference"; }
  std::string device_name() const override { return "a masker that does nothing"; }
};

// The draws of torch are one stream, which a part can skip only so far.
TEST(ShardingTest, NoiseThatCannotBeCutIsNotSplit) {
  const ServedMasker a(std::make_unique<IdleMasker>(), Transport::kUnixSocket);
  const ServedMasker b(std::make_unique<IdleMasker>(), Transport::kUnixSocket);
  MaskingSpec spec = {.batch_size = 3,
                      .sequence_length = 4,
                      .mask_ratio = 0.5,
                      .noise_source = NoiseSource::kTorchCpu,
                      .selection = {.mask = true}};
  std::vector<std::byte> mask(3 * 4 * 4);
  const auto parts_of_a_call = [&] {
    const auto client = ShardedClient::Connect({a.address(), b.address()}, {.least_part_bytes = 0}).value();
    const absl::StatusOr<MaskingFacts> facts = client->GenerateMask(spec, {.mask = mask.data()});
    EXPECT_TRUE(facts.ok()) << facts.status();
    const ClientStatistics statistics = client->statistics();
    return statistics.replicas[0].calls + statistics.replicas[1].calls;
  };
  spec.torch_skip = kMaxTorchSkip - 12;
  EXPECT_EQ(parts_of_a_call(), 2);
  spec.torch_skip = kMaxTorchSkip - 11;
  EXPECT_EQ(parts_of_a_call(), 1);
}

// ---- Addresses.

void ExpectRefused(const std::vector<std::string>& addresses, const std::string& sentence) {
  const auto client = ShardedClient::Connect(addresses, {});
  ASSERT_EQ(client.status().code(), absl::StatusCode::kInvalidArgument) << client.status();
  EXPECT_THAT(std::string(client.status().message()), HasSubstr(sentence));
}

TEST(ShardedAddressTest, BadOnesAreRefused) {
  ExpectRefused({}, "no address");
  ExpectRefused({"localhost"}, "localhost");
  ExpectRefused({"localhost:1", "nowhere"}, "nowhere");
  ExpectRefused({"localhost:1", "inproc:"}, "alone");
  ExpectRefused({"inproc:", "inproc:"}, "alone");
}

}  // namespace
}  // namespace maskd
