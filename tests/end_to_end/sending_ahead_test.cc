// What the client sends before the server wants it: little, as it would lie in the
// server's memory.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <limits>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "client/masking_client.h"
#include "client/run_stream.h"
#include "proto/metadata_keys.h"
#include "tests/end_to_end/scripted_service.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/socket_relay.h"
#include "tests/end_to_end/streamed_batches.h"

namespace maskd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kSampleBytes = std::int64_t{256} << 10;

MaskingSpec SpecOf(std::int64_t batch_size) {
  MaskingSpec spec{.batch_size = batch_size,
                   .sequence_length = 64,
                   .token_type = TokenType{.token_dim = 1024, .element_bytes = 4},
                   .mask_ratio = 0.75};
  spec.selection = {.kept_tokens = true, .mask = true, .ids_restore = true};
  return spec;
}

std::string TokensOf(std::int64_t batch_size) {
  std::string tokens(static_cast<std::size_t>(batch_size * kSampleBytes), '\0');
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<char>(i * 2654435761U >> 13);
  return tokens;
}

std::span<const std::byte> BytesOf(const std::string& data) { return std::as_bytes(std::span(data)); }

std::unique_ptr<MaskingClient> ConnectTo(const std::string& address, std::int64_t stream_from_bytes) {
  auto client =
      MaskingClient::Connect(address, {.timeout = kPatience, .stream_from_bytes = stream_from_bytes});
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

TEST(SendingAheadTest, ALargeRequestWaitsAtTheCallerForRoom) {
  const v1::RandomMaskingRequest hog = BulkRequest(40);
  const std::int64_t budget = [&hog] {
    const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
    OpenStream stream(served.stub());
    EXPECT_TRUE(stream.Admit(hog));
    return served.server().inflight_bytes();
  }();
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback, {.max_inflight_bytes = budget});
  SocketRelay relay(served.server().addresses().front());
  const auto client = ConnectTo(relay.address(), std::numeric_limits<std::int64_t>::max());
  const MaskingSpec spec = SpecOf(16);
  const std::string tokens = TokensOf(16);
  const auto expected = client->RandomMasking(spec, BytesOf(tokens));
  ASSERT_TRUE(expected.ok()) << expected.status();
  const std::int64_t before = relay.passed_on();
  EXPECT_GE(before, std::ssize(tokens));

  ExpectBudgetReturns(served.server());  // it goes after the answer
  OpenStream stream(served.stub());
  ASSERT_TRUE(stream.Admit(hog));
  ASSERT_EQ(served.server().inflight_bytes(), budget);
  auto masked = std::async(std::launch::async, [&] { return client->RandomMasking(spec, BytesOf(tokens)); });
  EXPECT_EQ(masked.wait_for(std::chrono::milliseconds(300)), std::future_status::timeout);
  EXPECT_LT(relay.passed_on() - before, 64 << 10);

  stream.Cancel();
  const auto batch = masked.get();
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->kept_tokens, expected->kept_tokens);
  EXPECT_EQ(batch->mask, expected->mask);
  EXPECT_GE(relay.passed_on() - before, std::ssize(tokens));
}

// Says that it has room when it has the request: too late for who waits for it.
class LateWord final : public v1::MaskingService::Service {
 public:
  grpc::Status RandomMasking(grpc::ServerContext* context, const v1::RandomMaskingRequest* request,
                             v1::RandomMaskingResponse* response) override {
    context->AddInitialMetadata(kAdmittedKey, "1");
    return CallUnary(honest_.stub(), *request, response);
  }

 private:
  const ServedMasker honest_{MakeCpuMasker(1)};
};

// A caller that has learned that the server tells it when it has room.
class LateWordTest : public ::testing::Test {
 protected:
  absl::StatusOr<MaskedBatch> Call(const CallLimits& limits = {}) {
    return client_->RandomMasking(SpecOf(16), BytesOf(tokens_), limits);
  }

  void SetUp() override {
    first_ = Call();
    ASSERT_TRUE(first_.ok()) << first_.status();
  }

  LateWord service_;
  const ServedService server_{service_};
  const std::unique_ptr<MaskingClient> client_ =
      ConnectTo(server_.address(), std::numeric_limits<std::int64_t>::max());
  const std::string tokens_ = TokensOf(16);
  absl::StatusOr<MaskedBatch> first_;
};

TEST_F(LateWordTest, ARequestWaitsForRoomButNotForever) {
  const auto second = Call();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->kept_tokens, first_->kept_tokens);
}

TEST_F(LateWordTest, ADeadlineIsKeptWhileWaiting) {
  const auto late = Call({.timeout = std::chrono::milliseconds(50)});
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded) << late.status();
}

TEST_F(LateWordTest, AStopIsKeptWhileWaiting) {
  std::stop_source stop;
  std::jthread stopper([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  const auto stopped = Call({.stop = stop.get_token()});
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kCancelled) << stopped.status();
}

// What streams wait for: a server of ours answers after 4 MiB at the latest, also if
// little is kept.
TEST(SendingAheadTest, PartsOfFewKeptTokensComeAllTheSame) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  const StreamAnswer answer = StreamAll(served.stub(), MessagesOf(BulkRequest(100), 1 << 20));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  std::int64_t samples = 0;
  for (const v1::StreamRandomMaskingResponse& part : answer.parts) {
    EXPECT_LE(part.num_samples() * kSampleBytes, 4 << 20);
    samples += part.num_samples();
  }
  EXPECT_EQ(samples, 100);
}

// Takes all of a batch before it answers, which maskd does not, and notes how much
// had come when nothing came for a while.
class LateAnswers final : public v1::MaskingService::Service {
 public:
  grpc::Status StreamRandomMasking(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::StreamRandomMaskingResponse, v1::StreamRandomMaskingRequest>* stream)
      override {
    StreamMessages messages;
    stream->SendInitialMetadata();
    std::int64_t bytes = 0;
    auto last = Clock::now();
    for (v1::StreamRandomMaskingRequest message; stream->Read(&message);) {
      const auto now = Clock::now();
      if (now - last > std::chrono::milliseconds(100) && bytes_at_pause < 0) bytes_at_pause = bytes;
      last = now;
      bytes += std::ssize(message.tokens());
      messages.push_back(std::move(message));
    }
    const StreamAnswer answer = StreamAll(honest_.stub(), messages);
    for (const v1::StreamRandomMaskingResponse& part : answer.parts) stream->Write(part);
    return answer.status;
  }

  std::int64_t bytes_at_pause = -1;  // none

 private:
  const ServedMasker honest_{MakeCpuMasker(1)};
};

TEST(SendingAheadTest, AStreamWaitsForAnswersButNotForever) {
  LateAnswers service;
  const ServedService server(service);
  const auto client = ConnectTo(server.address(), 0);
  const MaskingSpec spec = SpecOf(100);
  const std::string tokens = TokensOf(100);
  const auto batch = client->RandomMasking(spec, BytesOf(tokens));
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_GE(service.bytes_at_pause, 0) << "all came without a pause";
  EXPECT_LE(service.bytes_at_pause, kStreamUnansweredBytes + kSampleBytes + kStreamChunkBytes);

  // From a server that answers as it goes along, the same.
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  const auto other = ConnectTo(served.server().addresses().front(), 0);
  const auto expected = other->RandomMasking(spec, BytesOf(tokens));
  ASSERT_TRUE(expected.ok()) << expected.status();
  EXPECT_EQ(batch->kept_tokens, expected->kept_tokens);
}

}  // namespace
}  // namespace maskd
