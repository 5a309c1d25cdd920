// Known calls are made, and the metrics are the known numbers: every one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "kernels/masker.h"
#include "maskd/v1/tensor_service.pb.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/known_calls.h"
#include "tests/end_to_end/metric_samples.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/test_maskers.h"

namespace maskd {
namespace {

using ::testing::IsSupersetOf;
using ::testing::Pair;

// Compares all but what the process and its memory are: metric_events_test.cc has those.
void ExpectKnown(const ServedMasker& served, const KnownCalls& calls) {
  MetricSamples samples = SamplesAfter(served.server(), calls.num_calls());
  std::erase_if(samples, [](const auto& sample) {
    return sample.first.starts_with("process_") || sample.first.starts_with("maskd_pool_") ||
           sample.first.starts_with("maskd_build_info") || sample.first.starts_with("maskd_budget_bytes") ||
           sample.first.starts_with("maskd_device_healthy") || sample.first == "maskd_cores";
  });
  MetricSamples expected = calls.expected;
  std::erase_if(expected, [](const auto& sample) { return sample.second == 0; });
  EXPECT_EQ(samples, expected);
}

constexpr int kInvalid = static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT);

TEST(MetricsTest, MaskingCalls) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback);
  KnownCalls calls(served);

  for (int i = 0; i < 3; ++i) EXPECT_TRUE(calls.Mask("GenerateMask", GoodGenerateMask()).ok());
  v1::GenerateMaskRequest torch = GoodGenerateMask();
  torch.mutable_spec()->mutable_torch_cpu();
  EXPECT_TRUE(calls.Mask("GenerateMask", torch, {{"maskd-attempt", "2"}}).ok());
  calls.AddCalls("GenerateMask", "OK", 4, {"decode", "order", "send"});
  v1::GenerateMaskRequest impossible = GoodGenerateMask();
  impossible.mutable_spec()->set_mask_ratio(2);
  EXPECT_EQ(calls.Mask("GenerateMask", impossible).error_code(), kInvalid);
  calls.AddCalls("GenerateMask", "INVALID_ARGUMENT", 1, {"decode", "send"});
  calls.expected["maskd_retries_total{method=\"GenerateMask\"}"] = 1;

  EXPECT_TRUE(calls.Mask("RandomMasking", GoodRandomMasking()).ok());
  calls.AddCalls("RandomMasking", "OK", 1, {"decode", "admission", "receive", "order", "gather", "send"});
  // Who says that a call is small does not stand in line.
  EXPECT_TRUE(calls.Mask("RandomMasking", GoodRandomMasking(), {{"maskd-call-bytes", "1000"}}).ok());
  calls.AddCalls("RandomMasking", "OK", 1, {"decode", "receive", "order", "gather", "send"});
  v1::RandomMaskingRequest short_of_tokens = GoodRandomMasking();
  short_of_tokens.mutable_tokens()->pop_back();
  EXPECT_EQ(calls.Mask("RandomMasking", short_of_tokens).error_code(), kInvalid);
  calls.AddCalls("RandomMasking", "INVALID_ARGUMENT", 1, {"decode", "admission", "receive", "send"});

  EXPECT_TRUE(calls.Call("maskd.v1.MaskingService", "GetServerInfo", {""}).ok());
  calls.AddCalls("GetServerInfo", "OK", 1, {"decode", "send"});

  calls.expected["maskd_batches_total{noise=\"seeded\"}"] = 5;
  calls.expected["maskd_batches_total{noise=\"torch_cpu\"}"] = 1;
  ExpectKnown(served, calls);
}

TEST(MetricsTest, Streams) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback);
  KnownCalls calls(served);
  const v1::RandomMaskingRequest batch = GoodRandomMasking();
  v1::StreamRandomMaskingRequest header;
  *header.mutable_header()->mutable_layout() = batch.layout();
  *header.mutable_header()->mutable_spec() = batch.spec();
  v1::StreamRandomMaskingRequest tokens;
  tokens.set_tokens(batch.tokens());
  const std::string h = header.SerializeAsString();
  const std::string t = tokens.SerializeAsString();
  const auto stream = [&](const std::vector<std::string>& messages) {
    return calls.Call("maskd.v1.MaskingService", "StreamRandomMasking", messages);
  };

  EXPECT_TRUE(stream({h, t, h, t}).ok());
  calls.expected["maskd_calls_total{method=\"StreamRandomMasking\",code=\"OK\"}"] += 1;
  calls.AddStages("StreamRandomMasking", 2, {"decode", "receive", "queue", "order", "gather", "send"});
  EXPECT_TRUE(stream({}).ok());
  calls.expected["maskd_calls_total{method=\"StreamRandomMasking\",code=\"OK\"}"] += 1;
  EXPECT_EQ(stream({t}).error_code(), kInvalid);
  calls.AddCalls("StreamRandomMasking", "INVALID_ARGUMENT", 1, {"decode", "send"});

  calls.expected["maskd_batches_total{noise=\"seeded\"}"] = 2;
  ExpectKnown(served, calls);
}

v1::GatherRequest GoodGather() {
  v1::GatherRequest request;
  request.mutable_input()->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
  request.mutable_input()->add_shape(2);
  request.mutable_input()->set_data(std::string(8, 'x'));
  request.mutable_index()->set_element_type(v1::ELEMENT_TYPE_INT64);
  request.mutable_index()->add_shape(1);
  request.mutable_index()->set_data(std::string(8, '\0'));
  return request;
}

TEST(MetricsTest, TensorCalls) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback);
  KnownCalls calls(served);
  const auto call = [&calls](const std::string& method, const std::vector<std::string>& messages) {
    return calls.Call("maskd.v1.TensorService", method, messages);
  };

  EXPECT_TRUE(call("Gather", {GoodGather().SerializeAsString()}).ok());
  calls.AddCalls("Gather", "OK", 1, {"decode", "admission", "receive", "queue", "compute", "send"});
  for (const char* const method : {"Gather", "Scatter", "ScatterAdd", "MaskedSelect", "PadSequences",
                                   "MaskedNllLoss", "MaskedReconstructionLoss"}) {
    EXPECT_EQ(call(method, {""}).error_code(), kInvalid) << method;
    calls.AddCalls(method, "INVALID_ARGUMENT", 1, {"decode", "admission", "receive", "queue", "send"});
  }
  EXPECT_EQ(calls.Call("maskd.v1.MaskingService", "RestoreTokens", {""}).error_code(), kInvalid);
  calls.AddCalls("RestoreTokens", "INVALID_ARGUMENT", 1, {"decode", "admission", "receive", "queue", "send"});

  v1::StreamTensorsRequest first;
  *first.mutable_gather() = GoodGather();
  const std::string data = first.gather().input().data() + first.gather().index().data();
  first.mutable_gather()->mutable_input()->clear_data();
  first.mutable_gather()->mutable_index()->clear_data();
  v1::StreamTensorsRequest second;
  second.set_data(data);
  EXPECT_TRUE(call("StreamTensors", {first.SerializeAsString(), second.SerializeAsString()}).ok());
  calls.AddCalls("StreamTensors", "OK", 1, {"decode", "receive", "queue", "compute", "send"});
  ExpectKnown(served, calls);
}

TEST(MetricsTest, HealthAndMethodsThatThereAreNot) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback);
  KnownCalls calls(served);
  grpc::health::v1::HealthCheckRequest other;
  other.set_service("no.such.Service");
  EXPECT_TRUE(calls.Call("grpc.health.v1.Health", "Check", {""}).ok());
  calls.AddCalls("Check", "OK", 1, {"decode", "send"});
  EXPECT_EQ(calls.Call("grpc.health.v1.Health", "Check", {other.SerializeAsString()}).error_code(),
            grpc::StatusCode::NOT_FOUND);
  calls.AddCalls("Check", "NOT_FOUND", 1, {"decode", "send"});
  EXPECT_EQ(calls.Call("no.such.Service", "other", {}).error_code(), grpc::StatusCode::UNIMPLEMENTED);
  calls.AddCalls("other", "UNIMPLEMENTED", 1, {"decode", "send"});

  grpc::ClientContext context;
  const auto stub = grpc::health::v1::Health::NewStub(served.channel());
  const auto watch = stub->Watch(&context, {});
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  SamplesWhen(served.server(), [](const MetricSamples& now) {
    return now.at("maskd_sent_bytes_total{method=\"Watch\"}") > 0;
  });
  context.TryCancel();
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
  calls.AddCalls("Watch", "CANCELLED", 1, {"decode"});
  calls.Add("maskd_sent_bytes_total", "Watch", response.ByteSizeLong());
  SamplesAfter(served.server(), calls.num_calls() + 1);
  ExpectKnown(served, calls);
}

// Its masks were not drawn, so it is no batch.
TEST(MetricsTest, CancelledCalls) {
  Rendezvous rendezvous;
  const ServedMasker served(std::make_unique<EndlessMasker>(&rendezvous), Transport::kLoopback);
  grpc::ClientContext context;
  auto call = std::async(std::launch::async, [&] {
    v1::GenerateMaskResponse response;
    return served.stub().GenerateMask(&context, GoodGenerateMask(), &response);
  });
  rendezvous.entered.wait();
  EXPECT_THAT(SamplesOf(served.server()),
              IsSupersetOf({Pair("maskd_calls_in_flight{method=\"GenerateMask\"}", 1)}));
  context.TryCancel();
  EXPECT_EQ(call.get().error_code(), grpc::StatusCode::CANCELLED);

  KnownCalls known(served);
  known.Add("maskd_received_bytes_total", "GenerateMask", GoodGenerateMask().ByteSizeLong());
  known.AddCalls("GenerateMask", "CANCELLED", 1, {"decode", "queue", "order", "send"});
  SamplesAfter(served.server(), 1);
  ExpectKnown(served, known);
}

}  // namespace
}  // namespace maskd
