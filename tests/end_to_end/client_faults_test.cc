// Calls of the client that are stopped, or time out, at every stage; and what is
// read of the caller's memory after.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <iostream>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/attempt.h"
#include "client/masking_client.h"
#include "client/run_stream.h"
#include "kernels/masker.h"
#include "proto/retry_info.h"
#include "tests/end_to_end/guarded_call.h"
#include "tests/end_to_end/scripted_service.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/socket_relay.h"
#include "tests/end_to_end/test_maskers.h"

namespace maskd {
namespace {

using std::chrono::milliseconds;

MaskingCase CaseOfMegabytes(std::int64_t megabytes) {
  return {.name = "Megabytes",
          .spec = {.batch_size = megabytes * 4,
                   .sequence_length = 256,
                   .token_type = TokenType{.token_dim = 256, .element_bytes = 4},
                   .mask_ratio = 0.75,
                   .selection = {.kept_tokens = true, .mask = true}},
          .sample_ids = {}};
}

// The status of a call. Aborts if it does not return: there is no other way out
// of it.
absl::Status Get(std::future<absl::Status> call) {
  if (call.wait_for(kPatience) != std::future_status::ready) {
    std::cerr << "the call has not returned after " << kPatience.count() << " s" << std::endl;
    std::abort();
  }
  return call.get();
}

// Both ways of a batch to the server.
class ClientFaultsTest : public ::testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<MaskingClient> Connect(const std::string& address) {
    return MaskingClient::Connect(address,
                                  {.timeout = kPatience / 2, .stream_from_bytes = GetParam() ? 0 : INT64_MAX})
        .value();
  }

  // Begins a call with a batch of its own.
  static std::future<absl::Status> Begin(MaskingClient& client, std::int64_t megabytes,
                                         const CallLimits& limits) {
    return std::async(std::launch::async, [&client, megabytes, limits] {
      return CallIntoGuarded(client, PreparedCase(CaseOfMegabytes(megabytes)), nullptr, limits);
    });
  }

  // Not in the tests: gcc 12 under -fsanitize=thread takes two owners of a stop
  // state in one function for a use after free.
  std::stop_source stop_;
};

// ---- Stop.

TEST_P(ClientFaultsTest, StoppedBeforeItBegins) {
  const ServedMasker served(MakeReferenceMasker(), Transport::kLoopback);
  const auto client = Connect(served.address());
  stop_.request_stop();
  const absl::Status status = Get(Begin(*client, 1, {.stop = stop_.get_token()}));
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
}

TEST_P(ClientFaultsTest, StoppedInsideTheMasker) {
  Rendezvous rendezvous;
  const ServedMasker served(std::make_unique<BlockingMasker>(&rendezvous), Transport::kLoopback);
  const auto client = Connect(served.address());
  auto call = Begin(*client, 1, {.stop = stop_.get_token()});
  rendezvous.entered.wait();
  stop_.request_stop();
  const absl::Status status = Get(std::move(call));
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  rendezvous.release.count_down();
}

TEST_P(ClientFaultsTest, StoppedWhileItSends) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback);
  SocketRelay relay(served.address());
  const auto client = Connect(relay.address());
  ASSERT_TRUE(client->GetServerInfo().ok());
  relay.HoldAfter(1 << 20);
  auto call = Begin(*client, 32, {.stop = stop_.get_token()});
  EXPECT_TRUE(relay.WaitUntilHeld());
  stop_.request_stop();
  const absl::Status status = Get(std::move(call));
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
}

TEST_P(ClientFaultsTest, StoppedWhileItWaitsToTryAgain) {
  std::atomic<int> calls = 0;
  ScriptedService service({.before_call = [&] {
    ++calls;
    const std::string message = "no room for ten minutes";
    return grpc::Status(
        grpc::StatusCode::RESOURCE_EXHAUSTED, message,
        EncodeRetryInfo(grpc::StatusCode::RESOURCE_EXHAUSTED, message, std::chrono::minutes(10)));
  }});
  const ServedService served(service);
  const auto client = Connect(served.address());
  auto call = Begin(*client, 1, {.timeout = std::chrono::minutes(60), .stop = stop_.get_token()});
  while (calls == 0) std::this_thread::yield();
  EXPECT_EQ(call.wait_for(milliseconds(100)), std::future_status::timeout);
  stop_.request_stop();
  const absl::Status status = Get(std::move(call));
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_EQ(calls, 1);
}

TEST_P(ClientFaultsTest, StoppedAtAnyMoment) {
  const char* const given = std::getenv("MASKD_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  SCOPED_TRACE("MASKD_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback);
  const auto client = Connect(served.address());
  const PreparedCase prepared(CaseOfMegabytes(4));
  const MaskedResults expected = MaskOrFail(*MakeReferenceMasker(), prepared.plan(), prepared.tokens());
  for (int i = 0; i < 40; ++i) {
    std::stop_source stop;
    std::thread stopper([&, wait = random() % 8000] {
      std::this_thread::sleep_for(std::chrono::microseconds(wait));  // any moment will do
      stop.request_stop();
    });
    MaskedResults results;
    const absl::Status status = Get(std::async(std::launch::async, [&] {
      return CallIntoGuarded(*client, prepared, &results, {.stop = stop.get_token()});
    }));
    stopper.join();
    EXPECT_TRUE(status.ok() || absl::IsCancelled(status)) << status;
    if (status.ok()) ExpectSameResults(results, expected);
  }
  ExpectBudgetReturns(served.server());
  ExpectReferenceResults(*client, CaseOfMegabytes(1));
}

// Sends all of an answer, with OK, before it has read more than the first message.
class HastyService final : public v1::MaskingService::Service {
 public:
  grpc::Status StreamRandomMasking(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::StreamRandomMaskingResponse, v1::StreamRandomMaskingRequest>* stream)
      override {
    v1::StreamRandomMaskingRequest message;
    stream->Read(&message);
    for (int i = 0; i < 3; ++i) stream->Write(v1::StreamRandomMaskingResponse());
    answered.count_down();
    return grpc::Status::OK;
  }

  std::latch answered{1};
};

// How a stream ends of whose answer one message is read, then `end` is called, and
// nothing is sent until all of the answer has come.
Outcome EndAfterOneMessage(const CallScope& scope, const std::function<void()>& end) {
  HastyService service;
  const ServedService served(service);
  const auto connection = Dial(served.address(), {.max_message_bytes = 1 << 20});
  bool first = true;
  return RunStream(*connection, "/maskd.v1.MaskingService/StreamRandomMasking", scope,
                   {.next =
                        [&] {
                          if (!std::exchange(first, false)) {
                            service.answered.wait();
                            std::this_thread::sleep_for(milliseconds(20));  // for it to come here
                          }
                          const grpc::Slice nothing;
                          return grpc::ByteBuffer(&nothing, 1);
                        },
                    .take =
                        [&](const grpc::ByteBuffer&) {
                          end();
                          return absl::OkStatus();
                        },
                    .done = [] { return false; }});
}

// gRPC throws the rest of the answer away, and keeps its OK.
TEST(UnreadAnswerTest, OfAStoppedCallIsNotTheServersFault) {
  std::stop_source stop;
  const Outcome outcome =
      EndAfterOneMessage({.deadline = std::chrono::system_clock::now() + kPatience, .stop = stop.get_token()},
                         [&stop] { stop.request_stop(); });
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kCancelled) << outcome.status;
}

TEST(UnreadAnswerTest, OfALateCallIsNotTheServersFault) {
  const auto deadline = std::chrono::system_clock::now() + milliseconds(500);
  const Outcome outcome = EndAfterOneMessage({.deadline = deadline, .stop = {}}, [deadline] {
    std::this_thread::sleep_until(deadline + milliseconds(50));
  });
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kDeadlineExceeded) << outcome.status;
}

TEST(UnreadAnswerTest, OfACallThatGoesOnIsTheServersFault) {
  const Outcome outcome =
      EndAfterOneMessage({.deadline = std::chrono::system_clock::now() + kPatience, .stop = {}}, [] {});
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kInternal) << outcome.status;
}

// ---- Deadlines.

// Completes connections and never reads.
class SilentPeer {
 public:
  SilentPeer() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_EQ(listen(socket_, 8), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~SilentPeer() { close(socket_); }

  const std::string& address() const { return address_; }

 private:
  const int socket_;
  std::string address_;
};

const CallLimits kSoon{.timeout = milliseconds(300)};

TEST_P(ClientFaultsTest, DeadlineAgainstAPeerThatSaysNothing) {
  const SilentPeer peer;
  const auto client = Connect(peer.address());
  const absl::Status status = Get(Begin(*client, 64, kSoon));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
}

TEST_P(ClientFaultsTest, DeadlineInsideTheMasker) {
  Rendezvous rendezvous;
  const ServedMasker served(std::make_unique<BlockingMasker>(&rendezvous), Transport::kLoopback);
  const auto client = Connect(served.address());
  const absl::Status status = Get(Begin(*client, 16, kSoon));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  rendezvous.release.count_down();
}

// The peer stops reading inside the tokens. When the call has returned, the
// caller's memory is the caller's: what it writes there is not sent.
TEST_P(ClientFaultsTest, DeadlineAgainstAPeerThatStopsReading) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback);
  SocketRelay relay(served.address());
  auto client = Connect(relay.address());
  ASSERT_TRUE(client->GetServerInfo().ok());
  const PreparedCase shape(CaseOfMegabytes(64));
  std::vector<std::byte> tokens(shape.tokens().size(), std::byte{0x11});
  std::vector<std::byte> kept(static_cast<std::size_t>(shape.plan().result_bytes.kept_tokens));
  std::vector<std::byte> mask(static_cast<std::size_t>(shape.plan().result_bytes.mask));
  relay.HoldAfter(3 << 20);
  const absl::Status status = Get(std::async(std::launch::async, [&] {
    return client
        ->RandomMasking(shape.spec(), tokens, {.kept_tokens = kept.data(), .mask = mask.data()}, kSoon)
        .status();
  }));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  std::fill(tokens.begin(), tokens.end(), std::byte{0xee});
  client.reset();
  const std::string held = relay.TakeHeld();
  EXPECT_NE(held.find(std::string(64, '\x11')), std::string::npos) << "nothing was on its way";
  EXPECT_EQ(held.find(std::string(64, '\xee')), std::string::npos);
  relay.Cut();
  ExpectBudgetReturns(served.server());
}

INSTANTIATE_TEST_SUITE_P(Ways, ClientFaultsTest, ::testing::Bool(), NameOfWay);

}  // namespace
}  // namespace maskd
