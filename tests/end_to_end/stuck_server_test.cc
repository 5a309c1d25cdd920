// A server that stops reading and keeps its sockets, as a stopped process does, while
// several calls are under way on one connection: gRPC ends none of them then.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <future>
#include <iostream>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "client/mask_call_queue.h"
#include "client/masking_client.h"
#include "client/result_layout.h"
#include "kernels/masker.h"
#include "tests/end_to_end/guarded_call.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/socket_relay.h"

namespace maskd {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kSoon(1);

// A call returns about a second after it is late. Over TCP the kernel gives a connection
// up after 10 seconds.
constexpr std::chrono::seconds kInTime(8);

constexpr std::byte kSent{0x11};
constexpr std::byte kNotSent{0xee};

// 16 MB, of the caller's memory.
class LargeCall {
 public:
  absl::Status Make(MaskingClient& client, const CallLimits& limits) {
    return client.RandomMasking(prepared_.spec(), tokens_, {.kept_tokens = kept_.data()}, limits).status();
  }

  // Makes the memory the caller's again.
  void Overwrite() { std::ranges::fill(tokens_, kNotSent); }

 private:
  const PreparedCase prepared_{{.name = "Large",
                                .spec = {.batch_size = 64,
                                         .sequence_length = 256,
                                         .token_type = TokenType{.token_dim = 256, .element_bytes = 4},
                                         .mask_ratio = 0.75,
                                         .selection = {.kept_tokens = true}},
                                .sample_ids = {}}};
  std::vector<std::byte> tokens_ = std::vector<std::byte>(prepared_.tokens().size(), kSent);
  std::vector<std::byte> kept_ =
      std::vector<std::byte>(static_cast<std::size_t>(prepared_.plan().result_bytes.kept_tokens));
};

const MaskingSpec kSmall{
    .batch_size = 1, .sequence_length = 196, .mask_ratio = 0.75, .selection = {.mask = true}};

bool HasRun(const std::string& bytes, std::byte byte) {
  return bytes.find(std::string(64, static_cast<char>(byte))) != std::string::npos;
}

// Both transports, and both ways of a large batch to the server.
class StuckServerTest : public ::testing::TestWithParam<std::tuple<Transport, bool>> {
 protected:
  using Call = std::function<absl::Status(MaskingClient&, const CallLimits&)>;

  // HTTP/2 lets much be sent on a connection that has had much.
  StuckServerTest() {
    const absl::Status status = large_.front().Make(*client_, {});
    EXPECT_TRUE(status.ok()) << status;
  }
  ~StuckServerTest() override { relay_.Cut(); }

  // Begins large calls, one of them with other limits than the others, and waits until the
  // server has stopped reading them.
  void BeginLargeCalls(const CallLimits& one, const CallLimits& others) {
    relay_.HoldAfter(1 << 20);
    begun_ = steady_clock::now();
    for (LargeCall& call : large_) {
      Begin([&call](MaskingClient& client, const CallLimits& its) { return call.Make(client, its); },
            calls_.empty() ? one : others);
    }
    ASSERT_TRUE(relay_.WaitUntilHeld());
  }

  void BeginLargeCalls(const CallLimits& limits) { BeginLargeCalls(limits, limits); }

  // The timeout counts from the first call, so that none that is late ends another before
  // that is.
  void Begin(const Call& call, const CallLimits& limits) {
    calls_.push_back(std::async(std::launch::async, [this, call, limits] {
      CallLimits its = limits;
      if (its.timeout.has_value())
        *its.timeout -= std::chrono::ceil<std::chrono::milliseconds>(steady_clock::now() - begun_);
      return call(*client_, its);
    }));
  }

  // Those that wait behind the large ones.
  void BeginSmallCalls(const CallLimits& limits) {
    Begin([](MaskingClient& client,
             const CallLimits& its) { return client.GenerateMask(kSmall, its).status(); },
          limits);
    Begin([](MaskingClient& client, const CallLimits& its) { return client.GetServerInfo(its).status(); },
          limits);
    Begin([](MaskingClient& client, const CallLimits& its) { return client.CheckHealth(its); }, limits);
  }

  // Of the first `count` that have begun. Aborts if one does not return: there is no other
  // way out of it.
  void ExpectEndInTime(std::size_t count, absl::StatusCode code) {
    const auto begin = steady_clock::now();
    for (std::size_t i = 0; i < count; ++i) {
      if (calls_[i].wait_for(kPatience) != std::future_status::ready) {
        std::cerr << "a call has not returned after " << kPatience.count() << " s" << std::endl;
        std::abort();
      }
      const absl::Status status = calls_[i].get();
      EXPECT_EQ(status.code(), code) << status;
    }
    calls_.erase(calls_.begin(), calls_.begin() + static_cast<std::ptrdiff_t>(count));
    EXPECT_LT(steady_clock::now() - begin, kInTime);
  }

  void ExpectAllEndInTime(absl::StatusCode code) { ExpectEndInTime(calls_.size(), code); }

  void ExpectServedAgain() {
    relay_.HoldAfter(INT64_MAX);
    for (int i = 0; i < 2; ++i) {
      const absl::Status status = large_.front().Make(*client_, {});
      EXPECT_TRUE(status.ok()) << status;
    }
    ExpectReferenceResults(*client_, kFourSamples);
    EXPECT_TRUE(client_->CheckHealth().ok());
    ExpectBudgetReturns(served_.server());
  }

  const ServedMasker served_{MakeCpuMasker(2), std::get<0>(GetParam())};
  SocketRelay relay_{served_.address()};
  std::vector<LargeCall> large_ = std::vector<LargeCall>(4);
  // Its calls take their time unless they are told otherwise.
  std::unique_ptr<MaskingClient> client_ =
      MaskingClient::Connect(relay_.address(), {.timeout = kPatience,
                                                .stream_from_bytes = std::get<1>(GetParam()) ? 0 : INT64_MAX})
          .value();
  steady_clock::time_point begun_ = {};
  std::vector<std::future<absl::Status>> calls_;
  std::stop_source stop_;
};

TEST_P(StuckServerTest, LateCallsReturn) {
  BeginLargeCalls({.timeout = kSoon});
  BeginSmallCalls({.timeout = kSoon});
  ExpectAllEndInTime(absl::StatusCode::kDeadlineExceeded);
  ExpectServedAgain();
}

TEST_P(StuckServerTest, StoppedCallsReturn) {
  BeginLargeCalls({.stop = stop_.get_token()});
  BeginSmallCalls({.stop = stop_.get_token()});
  stop_.request_stop();
  ExpectAllEndInTime(absl::StatusCode::kCancelled);
  ExpectServedAgain();
}

// What callers write there when their calls have returned does not go out.
TEST_P(StuckServerTest, MemoryIsTheCallersWhenCallsHaveReturned) {
  BeginLargeCalls({.timeout = kSoon});
  ExpectAllEndInTime(absl::StatusCode::kDeadlineExceeded);
  for (LargeCall& call : large_) call.Overwrite();
  client_.reset();
  const std::string held = relay_.TakeHeld();
  EXPECT_TRUE(HasRun(held, kSent)) << "nothing was on its way";
  EXPECT_FALSE(HasRun(held, kNotSent));
}

// One that is late takes the connection with it; the others go on with the next.
TEST_P(StuckServerTest, CallsThatAreNotLateAreMadeAgain) {
  BeginLargeCalls({.timeout = kSoon}, {});
  ExpectEndInTime(1, absl::StatusCode::kDeadlineExceeded);
  relay_.HoldAfter(INT64_MAX);
  ExpectAllEndInTime(absl::StatusCode::kOk);
  ExpectServedAgain();
}

// Calls of a MaskCallQueue that wait behind large ones.
class StuckQueueTest : public StuckServerTest {
 protected:
  void Start(MaskCallQueue& calls, const CallLimits& limits) {
    calls.Start(*client_, request_, 0, LayOutResults(request_.plan().result_bytes, mask_.data()), limits, 7);
  }

  // Waits for the one that has been started.
  static void ExpectEndsInTime(MaskCallQueue& calls, absl::StatusCode code) {
    const auto begin = steady_clock::now();
    const std::optional<MaskCallQueue::Ended> ended = calls.Wait(begin + kPatience);
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(ended->facts.status().code(), code) << ended->facts.status();
    EXPECT_LT(steady_clock::now() - begin, kInTime);
  }

  // Ends the large calls.
  void TearDown() override {
    stop_.request_stop();
    ExpectAllEndInTime(absl::StatusCode::kCancelled);
  }

  const MaskRequest request_ = *MaskRequest::Make(kSmall);
  std::vector<std::byte> mask_ =
      std::vector<std::byte>(static_cast<std::size_t>(request_.plan().result_bytes.total()));
};

TEST_P(StuckQueueTest, LateCallsEnd) {
  BeginLargeCalls({.stop = stop_.get_token()});
  MaskCallQueue calls;
  Start(calls, {.timeout = kSoon});
  ExpectEndsInTime(calls, absl::StatusCode::kDeadlineExceeded);
}

TEST_P(StuckQueueTest, StoppedCallsEnd) {
  BeginLargeCalls({.stop = stop_.get_token()});
  MaskCallQueue calls;
  std::stop_source stop;
  Start(calls, {.stop = stop.get_token()});
  stop.request_stop();
  ExpectEndsInTime(calls, absl::StatusCode::kCancelled);
}

TEST_P(StuckQueueTest, GoesWithCallsUnderWay) {
  BeginLargeCalls({.stop = stop_.get_token()});
  const auto begin = steady_clock::now();
  {
    MaskCallQueue calls;
    Start(calls, {});
  }
  EXPECT_LT(steady_clock::now() - begin, kInTime);
}

// The client has a descriptor of its own of its socket.
TEST_P(StuckServerTest, AClientThatGoesClosesItsConnection) {
  client_.reset();
  relay_.TakeHeld();
}

std::string NameOfCase(const ::testing::TestParamInfo<std::tuple<Transport, bool>>& info) {
  return TransportName(std::get<0>(info.param)) + (std::get<1>(info.param) ? "Streamed" : "Unary");
}

const auto kCases =
    ::testing::Combine(::testing::Values(Transport::kLoopback, Transport::kUnixSocket), ::testing::Bool());
INSTANTIATE_TEST_SUITE_P(Ways, StuckServerTest, kCases, NameOfCase);
INSTANTIATE_TEST_SUITE_P(Ways, StuckQueueTest, kCases, NameOfCase);

}  // namespace
}  // namespace maskd
