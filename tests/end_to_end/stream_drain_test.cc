// Streams while the server drains: the batch under way is finished, and no other
// begins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "kernels/masker.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/streamed_batches.h"

namespace maskd {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;

constexpr std::chrono::minutes kNever{10};  // a bound that no test reaches

class StreamDrainTest : public ::testing::Test {
 protected:
  // Returns when the server refuses calls.
  std::future<bool> Drain(std::chrono::milliseconds bound) {
    auto drained = std::async(std::launch::async, [this, bound] { return served_.server().Drain(bound); });
    while (CallGenerateMask().error_code() != grpc::StatusCode::UNAVAILABLE) continue;
    return drained;
  }

  grpc::Status CallGenerateMask() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    v1::GenerateMaskResponse response;
    return served_.stub().GenerateMask(&context, GoodGenerateMask(), &response);
  }

  // Reads the parts of two samples.
  void ReadGoodBatch(OpenStream& stream, std::int64_t batch_index) {
    for (std::int64_t samples = 0; samples < 2;) {
      v1::StreamRandomMaskingResponse part;
      ASSERT_TRUE(stream.Read(&part));
      EXPECT_EQ(part.batch_index(), batch_index);
      samples += part.num_samples();
    }
  }

  void ExpectReturns(std::future<bool>& drained) {
    ASSERT_EQ(drained.wait_for(kPatience), std::future_status::ready);
    drained.get();
    EXPECT_EQ(served_.server().inflight_bytes(), 0);
  }

  const v1::RandomMaskingRequest good_ = GoodRandomMasking();
  ServedMasker served_{MakeCpuMasker(2), Transport::kLoopback};
};

TEST_F(StreamDrainTest, BatchUnderWayIsFinished) {
  const v1::RandomMaskingRequest request = BulkRequest(40);
  v1::RandomMaskingResponse unary;
  ASSERT_TRUE(CallUnary(served_.stub(), request, &unary).ok());

  OpenStream stream(served_.stub());
  ASSERT_TRUE(stream.Admit(request));
  ASSERT_TRUE(stream.Write(TokensMessage(request.tokens().substr(0, 1 << 20))));
  std::future<bool> drained = Drain(kNever);
  for (std::size_t at = 1 << 20; at < request.tokens().size(); at += 1 << 20)
    ASSERT_TRUE(stream.Write(TokensMessage(request.tokens().substr(at, 1 << 20))));
  stream.WritesDone();
  StreamParts parts;
  const grpc::Status status = stream.Finish(&parts);
  EXPECT_TRUE(status.ok()) << status.error_message();
  const std::vector<v1::RandomMaskingResponse> batches = JoinParts(parts);
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_TRUE(batches[0].kept_tokens() == unary.kept_tokens());
  EXPECT_TRUE(drained.get()) << "not every call finished";
}

TEST_F(StreamDrainTest, NoOtherBatchBegins) {
  OpenStream stream(served_.stub());
  ASSERT_TRUE(stream.Admit(good_));
  std::future<bool> drained = Drain(kNever);
  while (CallGenerateMask().ok()) continue;  // until it has begun
  ASSERT_TRUE(stream.Write(TokensMessage(good_.tokens())));
  ReadGoodBatch(stream, 0);
  // The server may have ended the stream already.
  if (stream.Write(MessagesOf(good_, 192))) stream.WritesDone();
  StreamParts parts;
  const grpc::Status status = stream.Finish(&parts);
  EXPECT_THAT(status.error_code(), AnyOf(Eq(grpc::StatusCode::UNAVAILABLE), Eq(grpc::StatusCode::CANCELLED)))
      << status.error_message();
  EXPECT_TRUE(parts.empty());
  EXPECT_TRUE(drained.get()) << "not every call finished";
}

// Every call, whenever it comes, is answered or told to go elsewhere.
TEST_F(StreamDrainTest, CallsThatComeMeanwhileAreUnavailable) {
  std::vector<std::thread> callers;
  std::latch calling(4);
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      grpc::Status status = CallGenerateMask();
      calling.count_down();
      while (status.ok()) {
        v1::RandomMaskingResponse response;
        status = i % 2 == 0 ? CallGenerateMask() : CallUnary(served_.stub(), good_, &response);
      }
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    });
  }
  calling.wait();
  EXPECT_TRUE(served_.server().Drain(kNever));
  for (std::thread& caller : callers) caller.join();
}

TEST_F(StreamDrainTest, AStreamAtRestDoesNotHoldItUp) {
  OpenStream stream(served_.stub());
  ASSERT_TRUE(stream.Write(MessagesOf(good_, 192)));
  ReadGoodBatch(stream, 0);
  std::future<bool> drained = Drain(std::chrono::milliseconds(500));
  ExpectReturns(drained);
  const grpc::Status status = stream.Finish();
  EXPECT_FALSE(status.ok());
}

TEST_F(StreamDrainTest, AHeaderAfterARestIsRefused) {
  OpenStream stream(served_.stub());
  ASSERT_TRUE(stream.Write(MessagesOf(good_, 192)));
  ReadGoodBatch(stream, 0);
  std::future<bool> drained = Drain(std::chrono::seconds(30));
  if (stream.Write(HeaderMessage(good_))) stream.WritesDone();
  const grpc::Status status = stream.Finish();
  EXPECT_THAT(status.error_code(), AnyOf(Eq(grpc::StatusCode::UNAVAILABLE), Eq(grpc::StatusCode::CANCELLED)))
      << status.error_message();
  ExpectReturns(drained);
}

TEST_F(StreamDrainTest, ABatchThatStopsIsCancelledAtTheBound) {
  OpenStream stream(served_.stub());
  ASSERT_TRUE(stream.Admit(BulkRequest(10)));
  std::future<bool> drained = Drain(std::chrono::milliseconds(500));
  ExpectReturns(drained);
  EXPECT_FALSE(stream.Finish().ok());
}

TEST_F(StreamDrainTest, PartsThatNobodyTakesDoNotHoldItUp) {
  v1::RandomMaskingRequest request = BulkRequest(200);
  request.mutable_spec()->set_num_keep(256);
  OpenStream stream(served_.stub());
  ASSERT_TRUE(stream.Admit(request));
  std::future<bool> drained = Drain(std::chrono::milliseconds(500));
  EXPECT_FALSE(stream.Write(MessagesOf(request, 1 << 20)));
  ExpectReturns(drained);
  EXPECT_FALSE(stream.Finish().ok());
}

}  // namespace
}  // namespace maskd
