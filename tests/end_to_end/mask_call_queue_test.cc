// Calls that overlap on one thread, against a server, a stuck one, and nothing.
#include "client/mask_call_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "client/result_layout.h"
#include "kernels/masker.h"
#include "tests/end_to_end/scripted_service.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kShort(20);

// Answers no call until its caller has gone.
class StuckService final : public v1::MaskingService::Service {
 public:
  grpc::Status GenerateMask(grpc::ServerContext* context, const v1::GenerateMaskRequest*,
                            v1::GenerateMaskResponse*) override {
    while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return grpc::Status::CANCELLED;
  }
};

// A mask to draw, and memory for it.
class Draw {
 public:
  Draw(std::int64_t batch_size, std::uint64_t first_sample_id)
      : spec_{.batch_size = batch_size,
              .sequence_length = 96,
              .mask_ratio = 0.75,
              .first_sample_id = 77,
              .selection = {.mask = true, .ids_restore = true}},
        request_(*MaskRequest::Make(spec_)),
        first_sample_id_(first_sample_id),
        drawn_(static_cast<std::size_t>(bytes().total())) {}

  void Start(MaskCallQueue& calls, MaskingClient& client, std::uint64_t tag, const CallLimits& limits = {}) {
    calls.Start(client, request_, first_sample_id_, LayOutResults(bytes(), drawn_.data()), limits, tag);
  }

  bool IsRight() const {
    MaskingSpec spec = spec_;
    spec.first_sample_id = first_sample_id_;
    std::vector<std::byte> expected(drawn_.size());
    const absl::Status status =
        MakeReferenceMasker()->Mask(*MakeMaskingPlan(spec), LayOutResults(bytes(), expected.data()));
    return status.ok() && drawn_ == expected;
  }

 private:
  const ResultBytes& bytes() const { return request_.plan().result_bytes; }

  MaskingSpec spec_;
  MaskRequest request_;
  std::uint64_t first_sample_id_;
  std::vector<std::byte> drawn_;
};

std::unique_ptr<MaskingClient> ConnectTo(const std::string& address) {
  return MaskingClient::Connect(address, {.timeout = kPatience}).value();
}

class StuckCallsTest : public ::testing::Test {
 private:
  StuckService service_;
  const ServedService served_{service_};

 protected:
  const std::unique_ptr<MaskingClient> client_ = ConnectTo(served_.address());
};

TEST(MaskCallQueueTest, ManyCallsInFlightAreRight) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  const auto client = ConnectTo(served.address());
  std::vector<Draw> draws;
  // 300 samples have more than a frame of HTTP/2.
  for (std::uint64_t i = 0; i < 200; ++i)
    draws.emplace_back(i % 10 == 0 ? 300 : 1, (i % 3) * (i << 40) + 1000 * i);
  MaskCallQueue calls;
  std::size_t started = 0;
  std::set<std::uint64_t> ended;
  for (; started < 32; ++started) draws[started].Start(calls, *client, started);
  while (calls.under_way() > 0) {
    const auto end = calls.Wait();
    ASSERT_TRUE(end.has_value());
    ASSERT_TRUE(end->facts.ok()) << end->facts.status();
    EXPECT_EQ(end->facts->num_keep, 24);
    EXPECT_TRUE(draws[end->tag].IsRight());
    EXPECT_TRUE(ended.insert(end->tag).second);
    if (started == draws.size()) continue;
    draws[started].Start(calls, *client, started);
    ++started;
  }
  EXPECT_EQ(ended.size(), draws.size());
  EXPECT_FALSE(calls.Wait().has_value());
}

TEST(MaskCallQueueTest, CallsOfSeveralClients) {
  const ServedMasker one(MakeCpuMasker(1), Transport::kLoopback);
  const ServedMasker other(MakeCpuMasker(1), Transport::kUnixSocket);
  const auto to_one = ConnectTo(one.address());
  const auto to_other = ConnectTo(other.address());
  Draw first(1, 1);
  Draw second(1, 2);
  MaskCallQueue calls;
  first.Start(calls, *to_one, 1);
  second.Start(calls, *to_other, 2);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(calls.Wait()->facts.ok());
  EXPECT_TRUE(first.IsRight());
  EXPECT_TRUE(second.IsRight());
}

TEST_F(StuckCallsTest, AStopCancels) {
  std::vector<Draw> draws(3, Draw(1, 0));
  std::stop_source stop;
  MaskCallQueue calls;
  for (std::size_t i = 0; i < draws.size(); ++i)
    draws[i].Start(calls, *client_, i, {.stop = stop.get_token()});
  EXPECT_FALSE(calls.Wait(steady_clock::now() + kShort).has_value());
  EXPECT_FALSE(calls.Wait(MaskCallQueue::Time::min()).has_value());
  std::jthread stopper([&stop] { stop.request_stop(); });
  for (std::size_t i = 0; i < draws.size(); ++i)
    EXPECT_EQ(calls.Wait()->facts.status().code(), absl::StatusCode::kCancelled);
  draws[0].Start(calls, *client_, 0, {.stop = stop.get_token()});
  EXPECT_EQ(calls.Wait()->facts.status().code(), absl::StatusCode::kCancelled);
}

TEST_F(StuckCallsTest, ADeadlinePasses) {
  Draw draw(1, 0);
  MaskCallQueue calls;
  const auto begin = steady_clock::now();
  draw.Start(calls, *client_, 7, {.timeout = kShort});
  const auto end = calls.Wait();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->tag, 7u);
  EXPECT_EQ(end->facts.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_GE(steady_clock::now() - begin, kShort);
}

TEST(MaskCallQueueTest, EachCallHasItsDeadline) {
  StuckService service;
  const ServedService stuck(service);
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  const auto to_stuck = ConnectTo(stuck.address());
  const auto to_served = ConnectTo(served.address());
  std::vector<Draw> draws(5, Draw(1, 0));
  MaskCallQueue calls;
  draws[0].Start(calls, *to_stuck, 0, {.timeout = 10 * kShort});
  draws[1].Start(calls, *to_stuck, 1, {.timeout = kShort});
  draws[2].Start(calls, *to_stuck, 2);
  for (const std::uint64_t late : {1u, 0u}) {
    const auto end = calls.Wait();
    EXPECT_EQ(end->tag, late);
    EXPECT_EQ(end->facts.status().code(), absl::StatusCode::kDeadlineExceeded);
  }
  // What was late leaves nothing behind for those that begin in its place.
  draws[3].Start(calls, *to_served, 3);
  draws[4].Start(calls, *to_served, 4);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(calls.Wait()->facts.ok());
  EXPECT_FALSE(calls.Wait(steady_clock::now() + kShort).has_value());
  EXPECT_EQ(calls.under_way(), 1u);
}

TEST_F(StuckCallsTest, WhoOnlyLooksFindsCallsLateToo) {
  Draw draw(1, 0);
  MaskCallQueue calls;
  const auto begin = steady_clock::now();
  draw.Start(calls, *client_, 0, {.timeout = kShort});
  std::optional<MaskCallQueue::Ended> end;
  while (!end.has_value() && steady_clock::now() < begin + kPatience)
    end = calls.Wait(MaskCallQueue::Time::min());
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->facts.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_GE(steady_clock::now() - begin, kShort);
}

TEST(MaskCallQueueTest, NoServerIsUnavailable) {
  const TemporaryFolder folder;
  const auto client = ConnectTo("unix:" + folder.path() + "/nobody");
  std::vector<Draw> draws(4, Draw(1, 0));
  MaskCallQueue calls;
  for (std::size_t i = 0; i < draws.size(); ++i) draws[i].Start(calls, *client, i);
  for (std::size_t i = 0; i < draws.size(); ++i)
    EXPECT_EQ(calls.Wait()->facts.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(StuckCallsTest, AWaitIsNotShorterThanAskedForAndEnds) {
  Draw draw(1, 0);
  MaskCallQueue calls;
  for (int round = 0; round < 2; ++round) {
    for (const int micros : {100, 1500, 300, 20000}) {
      const auto until = steady_clock::now() + std::chrono::microseconds(micros);
      EXPECT_FALSE(calls.Wait(until).has_value());
      EXPECT_GE(steady_clock::now(), until);
    }
    // One that has passed does not wait, and none is under way before the first call.
    EXPECT_FALSE(calls.Wait(steady_clock::now() - kShort).has_value());
    if (round == 0) draw.Start(calls, *client_, 0);
  }
}

// A wait that a call cut short leaves its time behind, which must not end a later one.
TEST(MaskCallQueueTest, TheTimeOfAnEarlierWaitIsForgotten) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  const auto client = ConnectTo(served.address());
  Draw draw(1, 0);
  MaskCallQueue calls;
  for (int i = 0; i < 50; ++i) {
    draw.Start(calls, *client, 0);
    // Cut short, or not, as it comes.
    const bool ended = calls.Wait(steady_clock::now() + std::chrono::microseconds(50 * (i % 20))).has_value();
    const auto until = steady_clock::now() + std::chrono::milliseconds(3);
    if (!ended) {
      EXPECT_TRUE(calls.Wait(steady_clock::now() + kPatience).has_value());
    }
    EXPECT_FALSE(calls.Wait(until).has_value());
    EXPECT_GE(steady_clock::now(), until);
  }
}

TEST(MaskCallQueueTest, GoesWhenATimeHasPassedThatNobodyWaitedFor) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  const auto client = ConnectTo(served.address());
  Draw draw(1, 0);
  MaskCallQueue calls;
  draw.Start(calls, *client, 0);
  const auto until = steady_clock::now() + kShort;
  while (!calls.Wait(until).has_value()) continue;
  std::this_thread::sleep_until(until + kShort);
}

TEST_F(StuckCallsTest, GoesWithCallsUnderWay) {
  std::vector<Draw> draws(3, Draw(1, 0));
  {
    MaskCallQueue calls;
    for (std::size_t i = 0; i < draws.size(); ++i) draws[i].Start(calls, *client_, i);
    EXPECT_FALSE(calls.Wait(steady_clock::now() + kShort).has_value());
    EXPECT_EQ(calls.under_way(), 3u);
  }
  {
    MaskCallQueue calls;
    draws[0].Start(calls, *client_, 0);
  }
}

}  // namespace
}  // namespace maskd
