// Runs under simulated time.
#include "client/maskload/run_load.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "tests/maskload/simulated_clock.h"

namespace maskd::maskload {
namespace {

using namespace std::chrono_literals;

// A server that takes as long as it is told, from the start of the run.
class SimulatedServer final : public Target {
 public:
  // `serve` has the time since the start and returns when the call ends and how.
  using Serve = std::function<std::pair<Nanos, absl::Status>(Nanos now, std::int64_t number)>;

  SimulatedServer(SimulatedClock& clock, Serve serve)
      : clock_(clock), begin_(clock.Now()), serve_(std::move(serve)) {}

  CallOutcome Call(int, std::int64_t number, const std::stop_token&) override {
    const Nanos now = clock_.Now() - begin_;
    const auto [end, status] = serve_(now, number);
    clock_.Pass(end - now);
    return {.status = status, .bytes_sent = 3, .bytes_received = 4};
  }

  std::optional<bool> Verify(int, std::int64_t number) override {
    if (number % 4 != 0) return std::nullopt;
    return number != 8;
  }

 private:
  SimulatedClock& clock_;
  const Nanos begin_;
  const Serve serve_;
};

// Half a millisecond a call, but nothing from 3 s to 4 s.
std::pair<Nanos, absl::Status> ServeWithStall(Nanos now, std::int64_t) {
  Nanos end = now + 500us;
  if (end > 3s && now < 4s) end = 4s + 500us;
  return {end, absl::OkStatus()};
}

// What this program is for: a stall of 1 s of a server that is called 1,000 times a
// second makes calls wait for up to 1 s, though it is one call alone that takes so
// long.
TEST(RunLoadTest, AStallShowsInLatencyAndNotInServiceTime) {
  SimulatedClock clock;
  SimulatedServer server(clock, ServeWithStall);
  CallTally tally;
  const auto pacer = MakeConstantPacer(1000);
  const RunEnd end = RunLoad({.concurrency = 1, .duration = 10s}, *pacer, clock, server, tally, {});
  const CallGroup& all = tally.totals().all;
  EXPECT_EQ(all.latency.count(), 10'000);
  EXPECT_EQ(end.backlog, 0);
  EXPECT_EQ(end.elapsed, 10s);
  EXPECT_GE(all.latency.Quantile(0.99), 900ms);
  EXPECT_LE(all.latency.Quantile(0.99), 1s);
  EXPECT_GE(all.latency.max(), 1s);
  EXPECT_LE(all.service.Quantile(0.99), 502us);
  EXPECT_LE(all.service.Quantile(0.999), 502us);
  EXPECT_GE(all.service.max(), 1s);
}

// A closed loop calls once in that second, and so has one slow call to show.
TEST(RunLoadTest, AClosedLoopHidesTheStall) {
  SimulatedClock clock;
  SimulatedServer server(clock, ServeWithStall);
  CallTally tally;
  const auto pacer = MakeClosedLoop();
  RunLoad({.concurrency = 1, .duration = 10s}, *pacer, clock, server, tally, {});
  const CallGroup& all = tally.totals().all;
  EXPECT_EQ(all.latency.count(), 18'000);  // 2,000/s for 9 s
  EXPECT_LE(all.latency.Quantile(0.999), 502us);
}

TEST(RunLoadTest, SlicesHaveTheStall) {
  SimulatedClock clock;
  SimulatedServer server(clock, ServeWithStall);
  CallTally tally;
  const auto pacer = MakeConstantPacer(1000);
  RunLoad({.concurrency = 1, .duration = 10s}, *pacer, clock, server, tally, {});
  const Timeline& timeline = tally.totals().timeline;
  ASSERT_EQ(timeline.slice_length(), 250ms);
  EXPECT_EQ(timeline.slices()[4].latency.count(), 250);
  EXPECT_EQ(timeline.slices()[13].latency.count(), 0);
  EXPECT_EQ(timeline.slices()[17].latency.count(), 500);  // as fast as the server is
  EXPECT_EQ(timeline.slices()[4].bytes, 250 * 7);
}

// 10 ms a call, 200 calls a second: half of them cannot begin.
TEST(RunLoadTest, CountsTheBacklogOfASlowServer) {
  SimulatedClock clock;
  SimulatedServer server(clock,
                         [](Nanos now, std::int64_t) { return std::pair(now + 10ms, absl::OkStatus()); });
  CallTally tally;
  const auto pacer = MakeConstantPacer(200);
  const RunEnd end = RunLoad({.concurrency = 1, .duration = 5s}, *pacer, clock, server, tally, {});
  EXPECT_EQ(tally.totals().all.latency.count(), 500);
  EXPECT_EQ(end.backlog, 500);
  EXPECT_EQ(end.elapsed, 5s);
}

TEST(RunLoadTest, EndsWithTheCount) {
  SimulatedClock clock;
  SimulatedServer server(clock,
                         [](Nanos now, std::int64_t) { return std::pair(now + 10ms, absl::OkStatus()); });
  CallTally tally;
  const auto pacer = MakeConstantPacer(200);
  const RunEnd end =
      RunLoad({.concurrency = 1, .duration = 5s, .count = 17}, *pacer, clock, server, tally, {});
  EXPECT_EQ(tally.totals().all.latency.count(), 17);
  EXPECT_EQ(end.backlog, 0);
  EXPECT_EQ(end.elapsed, 170ms);
  EXPECT_EQ(tally.totals().verified, 5);
  EXPECT_EQ(tally.totals().wrong, 1);
}

TEST(RunLoadTest, ALateCallCountsAsFarAsItsEnd) {
  SimulatedClock clock;
  SimulatedServer server(clock,
                         [](Nanos now, std::int64_t) { return std::pair(now + 3s, absl::OkStatus()); });
  CallTally tally;
  const auto pacer = MakeClosedLoop();
  const RunEnd end = RunLoad({.concurrency = 1, .duration = 4s}, *pacer, clock, server, tally, {});
  EXPECT_EQ(tally.totals().all.latency.count(), 2);
  EXPECT_EQ(end.elapsed, 6s);
}

// Nothing from 1 s to 2 s: the run goes on, and counts.
TEST(RunLoadTest, GoesOnWhenAServerIsAway) {
  SimulatedClock clock;
  SimulatedServer server(clock, [](Nanos now, std::int64_t) {
    return now >= 1s && now < 2s ? std::pair(now, absl::UnavailableError("away"))
                                 : std::pair(now + 1ms, absl::OkStatus());
  });
  CallTally tally;
  const auto pacer = MakeClosedLoop();
  RunLoad({.concurrency = 1, .duration = 3s}, *pacer, clock, server, tally, {});
  const CallTally::Totals& totals = tally.totals();
  EXPECT_EQ(totals.all.latency.count(), 2000);
  // One every 100 ms, not as many as a loop can make.
  EXPECT_EQ(totals.all.errors, 10);
  ASSERT_EQ(totals.errors.size(), 1u);
  EXPECT_EQ(totals.errors.at(absl::StatusCode::kUnavailable).count, 10);
  EXPECT_EQ(totals.errors.at(absl::StatusCode::kUnavailable).first_message, "away");
}

TEST(RunLoadTest, AStopEndsIt) {
  SimulatedClock clock;
  std::stop_source stop;
  SimulatedServer server(clock, [&stop](Nanos now, std::int64_t number) {
    if (number == 20) stop.request_stop();
    return std::pair(now + 1ms, number == 20 ? absl::CancelledError() : absl::OkStatus());
  });
  CallTally tally;
  const auto pacer = MakeConstantPacer(100);
  const RunEnd end =
      RunLoad({.concurrency = 1, .duration = 5s}, *pacer, clock, server, tally, stop.get_token());
  EXPECT_TRUE(end.stopped);
  EXPECT_EQ(tally.totals().all.latency.count(), 20);
  EXPECT_EQ(tally.totals().all.errors, 0);
  EXPECT_EQ(end.elapsed, 201ms);
  EXPECT_EQ(end.backlog, 0);
}

// Workers share the numbers, on real threads and in real time.
TEST(RunLoadTest, WorkersMakeEachCallOnce) {
  class Numbers final : public Target {
   public:
    CallOutcome Call(int worker, std::int64_t number, const std::stop_token&) override {
      const std::lock_guard lock(mutex_);
      EXPECT_TRUE(numbers_.insert(number).second);
      EXPECT_GE(worker, 0);
      EXPECT_LT(worker, 8);
      return {};
    }
    std::optional<bool> Verify(int, std::int64_t) override { return std::nullopt; }
    std::set<std::int64_t> numbers_;

   private:
    std::mutex mutex_;
  };
  SteadyClock clock;
  Numbers target;
  CallTally tally;
  const auto pacer = MakePoissonPacer(1e5, 1);
  RunLoad({.concurrency = 8, .count = 5000}, *pacer, clock, target, tally, {});
  EXPECT_EQ(target.numbers_.size(), 5000u);
  EXPECT_EQ(*target.numbers_.rbegin(), 4999);
  EXPECT_EQ(tally.totals().all.latency.count(), 5000);
}

}  // namespace
}  // namespace maskd::maskload
