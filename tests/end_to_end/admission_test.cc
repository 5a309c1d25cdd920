// Room is made before tokens are read: who is refused, who waits, and who is let
// in all the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>

#include "google/rpc/status.pb.h"
#include "kernels/masker.h"
#include "proto/retry_info.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/streamed_batches.h"
#include "tests/end_to_end/test_maskers.h"

namespace maskd {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::Key;

constexpr milliseconds kAMoment{200};  // in which nothing must happen

// What one stream with a bulk batch under way holds.
std::int64_t BytesOfAStream() {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  OpenStream stream(served.stub());
  EXPECT_TRUE(stream.Admit(BulkRequest(40)));
  return served.server().inflight_bytes();
}

// The delay that both ways of saying it agree on.
milliseconds RetryDelay(const grpc::Status& status, const grpc::ClientContext& context) {
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_FALSE(status.error_message().empty());
  const auto delay = DecodeRetryInfo(status.error_details());
  EXPECT_TRUE(delay.has_value()) << status.error_message();
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(details.message(), status.error_message());
  const auto& trailers = context.GetServerTrailingMetadata();
  EXPECT_THAT(trailers, Contains(Key("grpc-retry-pushback-ms")));
  const auto pushback = trailers.find("grpc-retry-pushback-ms");
  if (pushback == trailers.end() || !delay.has_value()) return {};
  EXPECT_EQ(std::string(pushback->second.begin(), pushback->second.end()), std::to_string(delay->count()));
  EXPECT_GT(*delay, milliseconds(0));
  return *delay;
}

void ExpectNoRetryDelay(const grpc::Status& status, const grpc::ClientContext& context) {
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_FALSE(status.error_message().empty());
  EXPECT_FALSE(DecodeRetryInfo(status.error_details()).has_value());
  EXPECT_EQ(context.GetServerTrailingMetadata().count("grpc-retry-pushback-ms"), 0u);
}

// A server with room for one stream.
class AdmissionTest : public ::testing::Test {
 protected:
  void TearDown() override {
    ExpectBudgetReturns(served_.server());
    ExpectAnswers(served_);
  }

  // Of a unary call that says its size, if `call_bytes` are given.
  grpc::Status CallUnaryWith(grpc::ClientContext& context, const v1::RandomMaskingRequest& request,
                             const std::string& call_bytes) {
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    if (!call_bytes.empty()) context.AddMetadata("maskd-call-bytes", call_bytes);
    v1::RandomMaskingResponse response;
    return served_.stub().RandomMasking(&context, request, &response);
  }

  const v1::RandomMaskingRequest bulk_ = BulkRequest(40);
  const std::int64_t stream_bytes_ = BytesOfAStream();
  ServedMasker served_{MakeCpuMasker(2), Transport::kLoopback, {.max_inflight_bytes = stream_bytes_}};
};

// ---- Streams.

TEST_F(AdmissionTest, StreamWithoutRoomIsRefusedBeforeItsTokens) {
  ASSERT_GT(stream_bytes_, kSmallCallBytes);
  OpenStream first(served_.stub());
  ASSERT_TRUE(first.Admit(bulk_));
  OpenStream second(served_.stub());
  ASSERT_TRUE(second.Write(HeaderMessage(bulk_)));
  // No tokens come, and the first stream stays.
  RetryDelay(second.Finish(), second.context());
  EXPECT_EQ(served_.server().inflight_bytes(), stream_bytes_);
  ASSERT_TRUE(first.Write(TokensMessage(std::string(1 << 20, 'x')))) << "the first stream has gone";
}

TEST_F(AdmissionTest, StreamIsAdmittedOnceThereIsRoom) {
  {
    OpenStream first(served_.stub());
    ASSERT_TRUE(first.Admit(bulk_));
  }
  ExpectBudgetReturns(served_.server());
  ExpectUnaryResults(served_.stub(), {bulk_}, StreamAll(served_.stub(), MessagesOf(bulk_, 1 << 20)));
}

TEST_F(AdmissionTest, BatchThatNeverFitsIsRefusedForGood) {
  v1::RandomMaskingRequest request;
  request.mutable_layout()->set_batch_size(1);
  request.mutable_layout()->set_sequence_length(2);
  request.mutable_layout()->set_token_dim(stream_bytes_ * 2);
  request.mutable_layout()->set_element_bytes(1);
  request.mutable_spec()->set_num_keep(2);
  OpenStream stream(served_.stub());
  ASSERT_TRUE(stream.Write(HeaderMessage(request)));
  ExpectNoRetryDelay(stream.Finish(), stream.context());
}

TEST_F(AdmissionTest, PartsOfEarlierBatchesComeBeforeARefusal) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback, {.max_inflight_bytes = 64 << 20});
  v1::RandomMaskingRequest earlier = BulkRequest(40);
  earlier.mutable_spec()->set_num_keep(128);
  v1::RandomMaskingRequest never_fits = bulk_;
  never_fits.mutable_layout()->set_token_dim(1 << 20);
  never_fits.mutable_spec()->set_num_keep(256);
  StreamMessages messages = MessagesOf(earlier, 1 << 20);
  messages.push_back(HeaderMessage(never_fits));
  messages.push_back(TokensMessage(std::string(1000, 'x')));
  StreamAnswer answer = StreamAll(served.stub(), messages);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
      << answer.status.error_message();
  answer.status = grpc::Status::OK;
  ExpectUnaryResults(served.stub(), {earlier}, answer);
}

TEST_F(AdmissionTest, LaterBatchIsRefusedWhileAnotherStreamHasTheRoom) {
  const v1::RandomMaskingRequest small = GoodRandomMasking();
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback,
                            {.max_inflight_bytes = stream_bytes_ * 3 / 2});
  OpenStream stream(served.stub());
  ASSERT_TRUE(stream.Admit(small));
  OpenStream other(served.stub());
  ASSERT_TRUE(other.Admit(bulk_));
  ASSERT_GE(served.server().inflight_bytes(), stream_bytes_);
  ASSERT_TRUE(stream.Write(TokensMessage(small.tokens())));
  ASSERT_TRUE(stream.Write(HeaderMessage(bulk_)));
  StreamAnswer answer;
  RetryDelay(stream.Finish(&answer.parts), stream.context());
  other.Cancel();
  answer.status = grpc::Status::OK;
  ExpectUnaryResults(served.stub(), {small}, answer);
}

// ---- Unary calls.

TEST_F(AdmissionTest, UnaryCallThatNeverFitsIsRefusedForGood) {
  grpc::ClientContext context;
  ExpectNoRetryDelay(CallUnaryWith(context, bulk_, std::to_string(stream_bytes_ * 2)), context);
}

TEST_F(AdmissionTest, UnaryCallThatSaysItsSizeIsAnsweredIfThereIsRoom) {
  const v1::RandomMaskingRequest request = BulkRequest(4);
  grpc::ClientContext context;
  const grpc::Status status =
      CallUnaryWith(context, request, std::to_string(request.ByteSizeLong() + (1 << 14)));
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(AdmissionTest, UnaryCallsWaitForRoom) {
  const v1::RandomMaskingRequest request = BulkRequest(4);
  for (const std::string& call_bytes : {std::to_string(request.ByteSizeLong() + (1 << 14)), std::string()}) {
    auto first = std::make_unique<OpenStream>(served_.stub());
    ASSERT_TRUE(first->Admit(bulk_));
    grpc::ClientContext context;
    auto waiting =
        std::async(std::launch::async, [&] { return CallUnaryWith(context, request, call_bytes); });
    EXPECT_EQ(waiting.wait_for(kAMoment), std::future_status::timeout);
    EXPECT_EQ(served_.server().inflight_bytes(), stream_bytes_);
    first.reset();
    const grpc::Status status = waiting.get();
    EXPECT_TRUE(status.ok()) << "'" << call_bytes << "': " << status.error_message();
    ExpectBudgetReturns(served_.server());
  }
}

TEST_F(AdmissionTest, CancelledCallLeavesTheLine) {
  auto first = std::make_unique<OpenStream>(served_.stub());
  ASSERT_TRUE(first->Admit(bulk_));
  grpc::ClientContext context, later_context;
  auto cancelled = std::async(std::launch::async, [&] { return CallUnaryWith(context, BulkRequest(4), ""); });
  EXPECT_EQ(cancelled.wait_for(kAMoment), std::future_status::timeout);
  auto later =
      std::async(std::launch::async, [&] { return CallUnaryWith(later_context, BulkRequest(4), ""); });
  EXPECT_EQ(later.wait_for(kAMoment), std::future_status::timeout);
  context.TryCancel();
  EXPECT_EQ(cancelled.get().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(later.wait_for(kAMoment), std::future_status::timeout);
  first.reset();
  const grpc::Status status = later.get();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

// ---- Small calls.

TEST_F(AdmissionTest, SmallCallsAreAnsweredWhileBulkFillsTheServer) {
  OpenStream first(served_.stub());
  ASSERT_TRUE(first.Admit(bulk_));
  grpc::ClientContext waiting_context;
  auto waiting =
      std::async(std::launch::async, [&] { return CallUnaryWith(waiting_context, BulkRequest(4), ""); });
  EXPECT_EQ(waiting.wait_for(kAMoment), std::future_status::timeout);
  for (int i = 0; i < 20; ++i) {
    v1::GenerateMaskRequest request = GoodGenerateMask();
    request.mutable_layout()->set_batch_size(1);
    v1::GenerateMaskResponse response;
    grpc::ClientContext context, masking_context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    grpc::Status status = served_.stub().GenerateMask(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    status = CallUnaryWith(masking_context, GoodRandomMasking(), "1000");
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  waiting_context.TryCancel();
  EXPECT_EQ(waiting.get().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(AdmissionTest, SmallStreamsAreAnsweredWhileBulkFillsTheServer) {
  OpenStream first(served_.stub());
  ASSERT_TRUE(first.Admit(bulk_));
  const StreamAnswer answer = StreamAll(served_.stub(), MessagesOf(GoodRandomMasking(), 100));
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
}

TEST_F(AdmissionTest, ASmallSizeThatIsALieGetsNoMoreRoom) {
  OpenStream first(served_.stub());
  ASSERT_TRUE(first.Admit(bulk_));
  grpc::ClientContext context;
  auto lying = std::async(std::launch::async, [&] { return CallUnaryWith(context, BulkRequest(4), "1000"); });
  const bool waits = lying.wait_for(kAMoment) == std::future_status::timeout;
  context.TryCancel();
  const grpc::Status status = lying.get();
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(waits || !status.error_message().empty());
  EXPECT_EQ(served_.server().inflight_bytes(), stream_bytes_);
}

TEST_F(AdmissionTest, SizesThatAreNoneDoNoHarm) {
  for (const char* const bytes :
       {"0", "-1", "abc", "1e9", "99999999999999999999999", "9223372036854775807"}) {
    grpc::ClientContext context;
    const grpc::Status status = CallUnaryWith(context, GoodRandomMasking(), bytes);
    EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::INVALID_ARGUMENT ||
                status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED)
        << bytes << ": " << status.error_code() << " " << status.error_message();
  }
}

// A caller that is kept waiting for room is not idle.
TEST(AdmissionIdleTest, WaitingForRoomIsNotIdleness) {
  const v1::RandomMaskingRequest request = BulkRequest(4);
  Rendezvous rendezvous;
  const ServedMasker served(
      std::make_unique<BlockingMasker>(&rendezvous), Transport::kLoopback,
      {.max_message_bytes = 2 << 20, .max_inflight_bytes = 3 << 20, .max_idle = std::chrono::seconds(1)});
  const auto call = [&] {
    v1::RandomMaskingResponse response;
    return CallUnary(served.stub(), request, &response);
  };
  auto inside = std::async(std::launch::async, call);
  rendezvous.entered.wait();
  auto waiting = std::async(std::launch::async, call);
  EXPECT_EQ(waiting.wait_for(milliseconds(1600)), std::future_status::timeout);
  rendezvous.release.count_down();
  for (std::future<grpc::Status>* const answer : {&inside, &waiting}) {
    const grpc::Status status = answer->get();
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
}

}  // namespace
}  // namespace maskd
