// Health, and the way down: running calls finish, new ones are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "grpc/health/v1/health.grpc.pb.h"
#include "kernels/masker.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/test_maskers.h"

namespace maskd {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

constexpr char kServiceName[] = "maskd.v1.MaskingService";
constexpr std::chrono::minutes kNever{10};  // a bound that no test reaches

grpc::Status CallGenerateMask(const ServedMasker& served) {
  grpc::ClientContext context;
  v1::GenerateMaskResponse response;
  return served.stub().GenerateMask(&context, GoodGenerateMask(), &response);
}

grpc::Status Check(const ServedMasker& served, const std::string& service, HealthCheckResponse& response) {
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service(service);
  return Health::NewStub(served.channel())->Check(&context, request, &response);
}

class HealthTest : public ::testing::TestWithParam<Transport> {};

TEST_P(HealthTest, ServesTheServerAndTheServiceAndNoOther) {
  const ServedMasker served(MakeReferenceMasker(), GetParam());
  HealthCheckResponse response;
  for (const char* const service : {"", kServiceName}) {
    const grpc::Status status = Check(served, service, response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << service;
  }
  EXPECT_EQ(Check(served, "no.such.Service", response).error_code(), grpc::StatusCode::NOT_FOUND);
}

INSTANTIATE_TEST_SUITE_P(Transports, HealthTest,
                         ::testing::Values(Transport::kInProcess, Transport::kLoopback,
                                           Transport::kUnixSocket),
                         NameOfTransport);

// A server with one call inside its masker.
class DrainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    inside_ = std::async(std::launch::async, [this] { return CallGenerateMask(served_); });
    rendezvous_.entered.wait();
  }

  // Releases what a failed test left blocked.
  void TearDown() override {
    if (!rendezvous_.release.try_wait()) rendezvous_.release.count_down();
  }

  std::future<bool> Drain(std::chrono::milliseconds bound) {
    return std::async(std::launch::async, [this, bound] { return served_.server().Drain(bound); });
  }

  Rendezvous rendezvous_;
  ServedMasker served_{std::make_unique<BlockingMasker>(&rendezvous_), Transport::kLoopback};
  std::future<grpc::Status> inside_;
};

TEST_F(DrainTest, LetsTheRunningCallFinishAndRefusesNewOnes) {
  // Watchers hear of it: no polling, no sleep.
  grpc::ClientContext watch_context;
  HealthCheckRequest request;
  request.set_service(kServiceName);
  const auto health = Health::NewStub(served_.channel());
  const auto watch = health->Watch(&watch_context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);

  std::future<bool> drained = Drain(kNever);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  // A call may slip in between the two; soon none does.
  grpc::Status refused = CallGenerateMask(served_);
  while (refused.ok()) refused = CallGenerateMask(served_);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE) << refused.error_message();
  EXPECT_FALSE(refused.error_message().empty());

  v1::RandomMaskingResponse masked;
  grpc::ClientContext masking_context;
  EXPECT_EQ(served_.stub().RandomMasking(&masking_context, GoodRandomMasking(), &masked).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  v1::GetServerInfoResponse info;
  grpc::ClientContext info_context;
  EXPECT_EQ(served_.stub().GetServerInfo(&info_context, {}, &info).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  for (const char* const service : {"", kServiceName}) {
    const grpc::Status status = Check(served_, service, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING) << "'" << service << "'";
  }
  EXPECT_EQ(drained.wait_for(std::chrono::seconds(0)), std::future_status::timeout)
      << "drained with a call inside";

  watch_context.TryCancel();
  rendezvous_.release.count_down();
  const grpc::Status finished = inside_.get();
  EXPECT_TRUE(finished.ok()) << finished.error_message();
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(CallGenerateMask(served_).error_code(), grpc::StatusCode::UNAVAILABLE);
}

// A watcher is no reason to stay.
TEST_F(DrainTest, DoesNotWaitForHealthWatchers) {
  grpc::ClientContext watch_context;
  const auto health = Health::NewStub(served_.channel());
  const auto watch = health->Watch(&watch_context, {});
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  rendezvous_.release.count_down();
  EXPECT_TRUE(inside_.get().ok());
  std::future<bool> drained = Drain(kNever);
  EXPECT_EQ(drained.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  watch_context.TryCancel();
  EXPECT_TRUE(drained.get());
}

TEST_F(DrainTest, CancelsACallThatOutlivesTheBound) {
  std::future<bool> drained = Drain(std::chrono::milliseconds(50));
  // The caller has its answer although the masker still holds the call.
  ASSERT_EQ(inside_.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_FALSE(inside_.get().ok());
  rendezvous_.release.count_down();
  EXPECT_FALSE(drained.get());
}

TEST_F(DrainTest, ReturnsWithinItsBoundEvenIfTheMaskerNeverDoes) {
  std::future<bool> drained = Drain(std::chrono::milliseconds(50));
  EXPECT_EQ(drained.wait_for(std::chrono::seconds(30)), std::future_status::ready) << "waits for the masker";
  rendezvous_.release.count_down();
  EXPECT_FALSE(drained.get());
}

TEST(IdleDrainTest, ReturnsAtOnce) {
  for (const Transport transport : {Transport::kInProcess, Transport::kLoopback, Transport::kUnixSocket}) {
    const ServedMasker served(MakeReferenceMasker(), transport);
    EXPECT_TRUE(CallGenerateMask(served).ok());
    EXPECT_TRUE(served.server().Drain(kNever));
    if (transport == Transport::kInProcess) continue;  // gRPC 1.51 crashes in a call to a server that is gone
    EXPECT_EQ(CallGenerateMask(served).error_code(), grpc::StatusCode::UNAVAILABLE)
        << TransportName(transport);
  }
}

}  // namespace
}  // namespace maskd
