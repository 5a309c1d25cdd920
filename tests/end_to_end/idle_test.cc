// Callers that stop half way: the server ends the call and has its room back;
// and callers that are slow, or kept waiting by the server, stay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "kernels/masker.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/raw_stream.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/socket_relay.h"
#include "tests/end_to_end/streamed_batches.h"
#include "tests/end_to_end/test_maskers.h"

namespace maskd {
namespace {

using std::chrono::milliseconds;

constexpr Limits kOneSecond{.max_idle = std::chrono::seconds(1)};
constexpr std::chrono::seconds kSeveralIdleTimes{3};

class IdleTest : public ::testing::Test {
 protected:
  void TearDown() override { ExpectAnswers(served_); }

  ServedMasker served_{MakeCpuMasker(2), Transport::kLoopback, kOneSecond};
};

TEST_F(IdleTest, ServerSaysTheBound) {
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(served_.stub().GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.limits().max_idle_seconds(), 1);
}

TEST_F(IdleTest, ACallerThatStopsAfterItsHeader) {
  OpenStream stream(served_.stub());
  ASSERT_TRUE(stream.Admit(BulkRequest(10)));
  EXPECT_GT(served_.server().inflight_bytes(), 0);
  ExpectBudgetReturns(served_.server());
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED) << status.error_message();
}

TEST_F(IdleTest, ACallerThatStopsInsideABatch) {
  OpenStream stream(served_.stub());
  ASSERT_TRUE(stream.Admit(BulkRequest(10)));
  ASSERT_TRUE(stream.Write(TokensMessage(std::string(1 << 20, 'x'))));
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED) << status.error_message();
  ExpectBudgetReturns(served_.server());
}

// A stream with no batch under way holds nothing, and may stay: a training step
// can take any time.
TEST_F(IdleTest, ACallerBetweenBatchesMayTakeItsTime) {
  OpenStream stream(served_.stub(), kSeveralIdleTimes);
  ASSERT_TRUE(stream.Write(MessagesOf(GoodRandomMasking(), 192)));
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << status.error_message();
  ExpectBudgetReturns(served_.server());
}

TEST_F(IdleTest, ACallerThatTakesNoPart) {
  v1::RandomMaskingRequest request = BulkRequest(200);
  request.mutable_spec()->set_num_keep(256);
  OpenStream stream(served_.stub());
  EXPECT_FALSE(stream.Write(MessagesOf(request, 1 << 20))) << "all of it was taken, and none of its results";
  ExpectBudgetReturns(served_.server());
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED) << status.error_message();
}

TEST_F(IdleTest, ACallerThatStopsInsideItsUnaryRequest) {
  SocketRelay relay(served_.address());
  const auto stub = v1::MaskingService::NewStub(MakeChannel(relay.address()));
  const v1::RandomMaskingRequest request = BulkRequest(20);
  relay.HoldAfter(2 << 20);
  v1::RandomMaskingResponse response;
  // The server's word may come through or not; its room must come back.
  std::thread caller([&] { EXPECT_FALSE(CallUnary(*stub, request, &response).ok()); });
  EXPECT_TRUE(relay.WaitUntilHeld());
  ExpectBudgetReturns(served_.server());
  relay.Cut();
  caller.join();
}

TEST_F(IdleTest, ACallerThatDoesNotTakeItsUnaryResponse) {
  v1::RandomMaskingRequest request = BulkRequest(60);
  request.mutable_spec()->set_num_keep(256);
  RawStream call(served_.channel(), "RandomMasking");
  ASSERT_TRUE(call.Write(request.SerializeAsString()));
  call.WritesDone();
  ExpectBudgetReturns(served_.server());
  EXPECT_FALSE(call.Finish().ok());
}

// ---- Who may stay.

// Takes longer in all than a caller may be idle, and is never idle so long.
TEST(NotIdleTest, ASlowCaller) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback, {.max_idle = std::chrono::seconds(2)});
  const v1::RandomMaskingRequest request = GoodRandomMasking();
  OpenStream stream(served.stub());
  ASSERT_TRUE(stream.Admit(request));
  for (std::size_t at = 0; at < request.tokens().size(); at += 24) {
    std::this_thread::sleep_for(milliseconds(400));  // the pace is what is tested
    ASSERT_TRUE(stream.Write(TokensMessage(request.tokens().substr(at, 24))));
  }
  stream.WritesDone();
  StreamAnswer answer;
  answer.status = stream.Finish(&answer.parts);
  ExpectUnaryResults(served.stub(), {request}, answer);
}

TEST(NotIdleTest, CallersOfASlowMasker) {
  for (const bool streamed : {false, true}) {
    Rendezvous rendezvous;
    const ServedMasker served(std::make_unique<BlockingMasker>(&rendezvous), Transport::kLoopback,
                              kOneSecond);
    const auto call = [&] {
      v1::RandomMaskingResponse response;
      if (!streamed) return CallUnary(served.stub(), GoodRandomMasking(), &response);
      return StreamAll(served.stub(), MessagesOf(GoodRandomMasking(), 200)).status;
    };
    std::future<grpc::Status> inside = std::async(std::launch::async, call);
    rendezvous.entered.wait();
    EXPECT_EQ(inside.wait_for(milliseconds(1600)), std::future_status::timeout);
    rendezvous.release.count_down();
    const grpc::Status status = inside.get();
    EXPECT_TRUE(status.ok()) << (streamed ? "streamed: " : "unary: ") << status.error_message();
  }
}

}  // namespace
}  // namespace maskd
