// Metrics of what goes wrong, and of memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/available_cores.h"
#include "kernels/failover_masker.h"
#include "kernels/masker.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/known_calls.h"
#include "tests/end_to_end/metric_samples.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/streamed_batches.h"
#include "tests/end_to_end/test_maskers.h"

namespace maskd {
namespace {

using ::testing::IsSupersetOf;
using ::testing::Pair;

TEST(MetricEventsTest, RefusalsByReason) {
  // Room for one stream.
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback,
                            {.max_message_bytes = 1 << 20, .max_inflight_bytes = 12 << 20});
  OpenStream holder(served.stub());
  ASSERT_TRUE(holder.Admit(BulkRequest(10)));
  const MetricSamples held = SamplesOf(served.server());
  EXPECT_GT(held.at("maskd_budget_reserved_bytes"), 0);
  EXPECT_EQ(held.at("maskd_budget_bytes"), 12 << 20);

  v1::GenerateMaskRequest large = GoodGenerateMask();
  large.mutable_layout()->set_sequence_length(1 << 20);
  KnownCalls calls(served);
  EXPECT_EQ(calls.Mask("GenerateMask", large).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(
      calls.Mask("RandomMasking", GoodRandomMasking(), {{"maskd-call-bytes", "100000000"}}).error_code(),
      grpc::StatusCode::RESOURCE_EXHAUSTED);
  OpenStream refused(served.stub());
  refused.Admit(BulkRequest(10));
  EXPECT_EQ(refused.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  holder.Cancel();
  holder.Finish();
  const MetricSamples samples = SamplesWhen(served.server(), [](const MetricSamples& now) {
    return now.at("maskd_refusals_total{reason=\"too_large\"}") == 2 &&
           now.at("maskd_budget_reserved_bytes") == 0;
  });
  EXPECT_THAT(samples, IsSupersetOf({Pair("maskd_refusals_total{reason=\"too_large\"}", 2),
                                     Pair("maskd_refusals_total{reason=\"no_room\"}", 1),
                                     Pair("maskd_refusals_total{reason=\"no_memory\"}", 0),
                                     Pair("maskd_refusals_total{reason=\"draining\"}", 0),
                                     Pair("maskd_budget_reserved_bytes", 0)}));
}

// gRPC would refuse it, and tell this server no more than that it was cancelled.
TEST(MetricEventsTest, ARequestThatIsSaidToBeTooLong) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback, {.max_message_bytes = 4096});
  v1::RandomMaskingRequest request = GoodRandomMasking();
  request.set_tokens(std::string(10'000, 'x'));
  KnownCalls calls(served);
  const grpc::Status status = calls.Mask("RandomMasking", request, {{"maskd-call-bytes", "10100"}});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_THAT(
      SamplesAfter(served.server(), 1),
      IsSupersetOf({Pair("maskd_refusals_total{reason=\"too_large\"}", 1),
                    Pair("maskd_calls_total{method=\"RandomMasking\",code=\"RESOURCE_EXHAUSTED\"}", 1)}));
}

TEST(MetricEventsTest, MasksThatCouldNotBeDrawnAreNoBatch) {
  const ServedMasker served(std::make_unique<FailingMasker>(absl::InternalError("no masks")));
  grpc::ClientContext context;
  v1::GenerateMaskResponse response;
  EXPECT_FALSE(served.stub().GenerateMask(&context, GoodGenerateMask(), &response).ok());
  grpc::ClientContext other_context;
  v1::RandomMaskingResponse other;
  EXPECT_FALSE(served.stub().RandomMasking(&other_context, GoodRandomMasking(), &other).ok());
  for (const auto& [name, value] : SamplesAfter(served.server(), 2)) {
    if (name.starts_with("maskd_batches_total") || name.starts_with("maskd_sent_bytes_total")) {
      EXPECT_EQ(value, 0) << name;
    }
  }
}

TEST(MetricEventsTest, RefusalsWhileDraining) {
  Rendezvous rendezvous;
  const ServedMasker served(std::make_unique<BlockingMasker>(&rendezvous), Transport::kLoopback);
  const auto call = [&served] {
    grpc::ClientContext context;
    v1::GenerateMaskResponse response;
    return served.stub().GenerateMask(&context, GoodGenerateMask(), &response);
  };
  auto inside = std::async(std::launch::async, call);
  rendezvous.entered.wait();
  auto drained = std::async(std::launch::async, [&served] { return served.server().Drain(kPatience); });
  grpc::Status refused;
  int let_in = 0;  // before the gate closed
  while ((refused = call()).ok()) ++let_in;
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  rendezvous.release.count_down();
  EXPECT_TRUE(inside.get().ok());
  drained.wait();
  EXPECT_THAT(SamplesOf(served.server()),
              IsSupersetOf({Pair("maskd_refusals_total{reason=\"draining\"}", 1),
                            Pair("maskd_calls_total{method=\"GenerateMask\",code=\"OK\"}", 1 + let_in),
                            Pair("maskd_calls_total{method=\"GenerateMask\",code=\"UNAVAILABLE\"}", 1)}));
}

TEST(MetricEventsTest, AFailedCardAndItsFallbacks) {
  std::vector<std::unique_ptr<Masker>> cards;
  cards.push_back(std::make_unique<FailingMasker>(absl::InternalError("the card has failed")));
  cards.push_back(std::make_unique<FailingMasker>(absl::InternalError("this one too")));
  const ServedMasker served(std::make_unique<FailoverMasker>(std::move(cards), std::vector<DeviceState>(),
                                                             MakeCpuMasker(1), nullptr));
  const MetricSamples before = SamplesOf(served.server());
  // Both cards have one name here.
  EXPECT_EQ(before.at("maskd_device_healthy{device=\"reference\",work=\"masking\"}"), 1);
  for (int i = 0; i < 2; ++i) {
    grpc::ClientContext context;
    v1::GenerateMaskResponse response;
    EXPECT_TRUE(served.stub().GenerateMask(&context, GoodGenerateMask(), &response).ok());
  }
  EXPECT_THAT(SamplesOf(served.server()),
              IsSupersetOf({Pair("maskd_device_healthy{device=\"reference\",work=\"masking\"}", 0),
                            Pair("maskd_device_healthy{device=\"cpu\",work=\"masking\"}", 1),
                            Pair("maskd_device_healthy{device=\"cpu\",work=\"tensors\"}", 1),
                            Pair("maskd_fallbacks_total{work=\"masking\",to=\"card\"}", 1),
                            Pair("maskd_fallbacks_total{work=\"masking\",to=\"cpu\"}", 2),
                            Pair("maskd_fallbacks_total{work=\"tensors\",to=\"cpu\"}", 0)}));
}

// 64 masks of 196 tokens: more than comes of malloc.
TEST(MetricEventsTest, PoolsAndProcess) {
  const ServedMasker served(MakeCpuMasker(1));
  const MetricSamples before = SamplesOf(served.server());
  EXPECT_EQ(before.at("maskd_pool_takes_total{pool=\"reply\"}"), 0);
  EXPECT_EQ(before.at("maskd_pool_allocations_total{pool=\"reply\"}"), 0);
  v1::GenerateMaskRequest request = GoodGenerateMask();
  request.mutable_layout()->set_batch_size(64);
  request.mutable_layout()->set_sequence_length(196);
  {
    grpc::ClientContext context;
    v1::GenerateMaskResponse response;
    ASSERT_TRUE(served.stub().GenerateMask(&context, request, &response).ok());
  }
  const char* const idle = "maskd_pool_idle_bytes{pool=\"reply\"}";
  const MetricSamples after =
      SamplesWhen(served.server(), [&](const MetricSamples& now) { return now.at(idle) > before.at(idle); });
  EXPECT_EQ(after.at("maskd_pool_takes_total{pool=\"reply\"}"), 1);
  EXPECT_EQ(after.at("maskd_pool_allocations_total{pool=\"reply\"}"), 1);
  EXPECT_GT(after.at(idle), before.at(idle));
  EXPECT_GT(after.at("process_cpu_seconds_total"), 0);
  EXPECT_EQ(after.at("maskd_cores"), AvailableCores());
  EXPECT_GT(after.at("process_resident_memory_bytes"), after.at(idle) - before.at(idle));
}

TEST(MetricEventsTest, CallersThatKeepTheServerWaiting) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback, {.max_idle = std::chrono::seconds(1)});
  OpenStream stream(served.stub());
  ASSERT_TRUE(stream.Admit(BulkRequest(10)));
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_THAT(
      SamplesAfter(served.server(), 1),
      IsSupersetOf({Pair("maskd_idle_cancellations_total", 1),
                    Pair("maskd_calls_total{method=\"StreamRandomMasking\",code=\"CANCELLED\"}", 1)}));
}

}  // namespace
}  // namespace maskd
