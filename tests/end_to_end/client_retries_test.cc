// What the client tries again, how often, and what it does not.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>

#include "client/masking_client.h"
#include "proto/retry_info.h"
#include "tests/end_to_end/guarded_call.h"
#include "tests/end_to_end/scripted_service.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

using std::chrono::milliseconds;

constexpr int kAlways = 1 << 30;

grpc::Status NoRoom(milliseconds delay) {
  const std::string message = "no room just now";
  return {grpc::StatusCode::RESOURCE_EXHAUSTED, message,
          EncodeRetryInfo(grpc::StatusCode::RESOURCE_EXHAUSTED, message, delay)};
}

// Both ways of a batch to the server.
class RetryTest : public ::testing::TestWithParam<bool> {
 protected:
  // Refuses the first `times` calls with `status`.
  ScriptedService::Script Refuse(int times, grpc::Status status) {
    return {.before_call = [this, times, status = std::move(status)] {
      return calls_++ < times ? status : grpc::Status::OK;
    }};
  }

  MaskingClient::Options Options() const {
    return {.timeout = kPatience, .stream_from_bytes = GetParam() ? 0 : INT64_MAX};
  }

  // Of a call to a server of `script`.
  absl::Status Call(const ScriptedService::Script& script, const MaskingClient::Options& options) {
    ScriptedService service(script);
    const ServedService served(service);
    const auto client = MaskingClient::Connect(served.address(), options).value();
    return CallIntoGuarded(*client, PreparedCase(kFourSamples), nullptr);
  }

  void ExpectAnswered(const ScriptedService::Script& script) {
    ScriptedService service(script);
    const ServedService served(service);
    const auto client = MaskingClient::Connect(served.address(), Options()).value();
    ExpectReferenceResults(*client, kFourSamples);
  }

  std::atomic<int> calls_ = 0;
};

TEST_P(RetryTest, NoRoomIsTriedAgainAfterTheDelay) {
  ExpectAnswered(Refuse(2, NoRoom(milliseconds(5))));
  EXPECT_EQ(calls_, 3);
}

// More often than a call that finds no server.
TEST_P(RetryTest, NoRoomIsTriedAgainUntilThereIs) {
  ExpectAnswered(Refuse(20, NoRoom(milliseconds(1))));
  EXPECT_EQ(calls_, 21);
}

TEST_P(RetryTest, NoRoomEndsWithTheDeadline) {
  MaskingClient::Options options = Options();
  options.timeout = milliseconds(500);
  const absl::Status status = Call(Refuse(kAlways, NoRoom(milliseconds(20))), options);
  EXPECT_TRUE(absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status)) << status;
  EXPECT_GE(calls_, 2);
}

TEST_P(RetryTest, NoRoomIsNotTriedAgainUnlessAskedFor) {
  MaskingClient::Options options = Options();
  options.wait_for_room = false;
  const absl::Status status = Call(Refuse(kAlways, NoRoom(milliseconds(1))), options);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(calls_, 1);
}

TEST_P(RetryTest, UnavailableIsTriedAgain) {
  ExpectAnswered(Refuse(2, {grpc::StatusCode::UNAVAILABLE, "draining"}));
  EXPECT_EQ(calls_, 3);
}

TEST_P(RetryTest, UnavailableIsTriedAsOftenAsOptionsSay) {
  for (const int max_attempts : {1, 3}) {
    calls_ = 0;
    MaskingClient::Options options = Options();
    options.max_attempts = max_attempts;
    const absl::Status status = Call(Refuse(kAlways, {grpc::StatusCode::UNAVAILABLE, "draining"}), options);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(calls_, max_attempts);
  }
}

TEST_P(RetryTest, OtherErrorsAreNotTriedAgain) {
  for (const grpc::StatusCode code :
       {grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::INTERNAL,
        grpc::StatusCode::CANCELLED}) {
    calls_ = 0;
    const absl::Status status = Call(Refuse(1, {code, "for good"}), Options());
    EXPECT_EQ(static_cast<int>(status.code()), static_cast<int>(code)) << status;
    EXPECT_EQ(status.message(), "for good");
    EXPECT_EQ(calls_, 1) << status;
  }
}

TEST_P(RetryTest, DetailsThatAreNoneAreNoAdvice) {
  for (const std::string& details : {std::string("no details"), std::string(100, '\xff')}) {
    calls_ = 0;
    const absl::Status status =
        Call(Refuse(1, {grpc::StatusCode::RESOURCE_EXHAUSTED, "for good", details}), Options());
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_EQ(calls_, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, RetryTest, ::testing::Bool(), NameOfWay);

// A server that goes when it has sent some parts.
TEST(StreamRetryTest, AStreamThatBreaksHalfWayIsSentAgain) {
  std::atomic<int> calls = 0;
  ScriptedService service({.before_call =
                               [&] {
                                 ++calls;
                                 return grpc::Status::OK;
                               },
                           .change =
                               [&](ScriptedService::Parts& parts) {
                                 if (calls == 1) parts.resize(2);
                                 if (calls == 2) parts.clear();
                               },
                           .after_parts =
                               [&] {
                                 return calls < 3 ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "going")
                                                  : grpc::Status::OK;
                               }});
  const ServedService served(service);
  const auto client =
      MaskingClient::Connect(served.address(), {.timeout = kPatience, .stream_from_bytes = 0}).value();
  ExpectReferenceResults(*client, kFourSamples);
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace maskd
