// Runs under simulated time.
#include "client/maskload/run_load.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "tests/maskload/simulated_clock.h"

namespace maskd::maskload {
namespace {

using namespace std::chrono_literals;

// A server that takes as long as it is told, from the start of the run.
class SimulatedServer final : public Target {
 public:
  // `serve` has the time since the start and returns when the call ends and how.
  using Serve = std::function<std::pair<Nanos, absl::Status>(Nanos now, std::int64_t number)>;

  SimulatedServer(SimulatedClock& clock, bool overlaps, Serve serve)
      : clock_(clock), begin_(clock.Now()), overlaps_(overlaps), serve_(std::move(serve)) {}

  CallOutcome Call(int, std::int64_t number, const std::stop_token&) override {
    const Nanos now = clock_.Now() - begin_;
    const auto [end, status] = serve_(now, number);
    clock_.Pass(end - now);
    return OutcomeOf(status);
  }

  std::optional<bool> Verify(int, std::int64_t number) override {
    if (!LooksAt(number)) return std::nullopt;
    clock_.Pass(check_time_);
    return number != 8;
  }

  bool LooksAt(std::int64_t number) const override { return number % 4 == 0; }

  std::vector<std::unique_ptr<OverlappingCalls>> Overlap(const std::stop_token&) override {
    std::vector<std::unique_ptr<OverlappingCalls>> threads;
    if (overlaps_) threads.push_back(std::make_unique<Calls>(*this));
    return threads;
  }

  void set_check_time(Nanos time) { check_time_ = time; }

 private:
  class Calls final : public OverlappingCalls {
   public:
    explicit Calls(SimulatedServer& server) : server_(server) {}

    void Start(int worker, std::int64_t number) override {
      EXPECT_TRUE(busy_.insert(worker).second);
      const auto [end, status] = server_.serve_(server_.clock_.Now() - server_.begin_, number);
      under_way_.emplace(server_.begin_ + end, Ended{.worker = worker, .outcome = OutcomeOf(status)});
    }

    std::optional<Ended> Wait(Nanos until) override {
      const auto first = under_way_.begin();
      if (first == under_way_.end()) {
        ADD_FAILURE() << "no call is under way";
        return std::nullopt;
      }
      server_.clock_.SleepUntil(std::min(first->first, until), {});
      if (first->first > server_.clock_.Now()) return std::nullopt;
      Ended ended = std::move(first->second);
      under_way_.erase(first);
      busy_.erase(ended.worker);
      return ended;
    }

   private:
    SimulatedServer& server_;
    std::multimap<Nanos, Ended> under_way_;  // by when they end
    std::set<int> busy_;
  };

  static CallOutcome OutcomeOf(const absl::Status& status) {
    return {.status = status, .bytes_sent = 3, .bytes_received = 4};
  }

  SimulatedClock& clock_;
  const Nanos begin_;
  const bool overlaps_;
  const Serve serve_;
  Nanos check_time_{0};
};

// Each way to call: a thread a worker, or calls that overlap.
class RunLoadTest : public ::testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(Ways, RunLoadTest, ::testing::Bool(),
                         [](const ::testing::TestParamInfo<bool>& overlaps) {
                           return overlaps.param ? "Overlapping" : "Threads";
                         });

// Half a millisecond a call, but nothing from 3 s to 4 s.
std::pair<Nanos, absl::Status> ServeWithStall(Nanos now, std::int64_t) {
  Nanos end = now + 500us;
  if (end > 3s && now < 4s) end = 4s + 500us;
  return {end, absl::OkStatus()};
}

// What this program is for: a stall of 1 s of a server that is called 1,000 times a
// second makes calls wait for up to 1 s, though it is one call alone that takes so
// long.
TEST_P(RunLoadTest, AStallShowsInLatencyAndNotInServiceTime) {
  SimulatedClock clock;
  SimulatedServer server(clock, GetParam(), ServeWithStall);
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
TEST_P(RunLoadTest, AClosedLoopHidesTheStall) {
  SimulatedClock clock;
  SimulatedServer server(clock, GetParam(), ServeWithStall);
  CallTally tally;
  const auto pacer = MakeClosedLoop();
  RunLoad({.concurrency = 1, .duration = 10s}, *pacer, clock, server, tally, {});
  const CallGroup& all = tally.totals().all;
  EXPECT_EQ(all.latency.count(), 18'000);  // 2,000/s for 9 s
  EXPECT_LE(all.latency.Quantile(0.999), 502us);
}

TEST_P(RunLoadTest, SlicesHaveTheStall) {
  SimulatedClock clock;
  SimulatedServer server(clock, GetParam(), ServeWithStall);
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
TEST_P(RunLoadTest, CountsTheBacklogOfASlowServer) {
  SimulatedClock clock;
  SimulatedServer server(clock, GetParam(),
                         [](Nanos now, std::int64_t) { return std::pair(now + 10ms, absl::OkStatus()); });
  CallTally tally;
  const auto pacer = MakeConstantPacer(200);
  const RunEnd end = RunLoad({.concurrency = 1, .duration = 5s}, *pacer, clock, server, tally, {});
  EXPECT_EQ(tally.totals().all.latency.count(), 500);
  EXPECT_EQ(end.backlog, 500);
  EXPECT_EQ(end.elapsed, 5s);
}

TEST_P(RunLoadTest, EndsWithTheCount) {
  SimulatedClock clock;
  SimulatedServer server(clock, GetParam(),
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

TEST_P(RunLoadTest, ALateCallCountsAsFarAsItsEnd) {
  SimulatedClock clock;
  SimulatedServer server(clock, GetParam(),
                         [](Nanos now, std::int64_t) { return std::pair(now + 3s, absl::OkStatus()); });
  CallTally tally;
  const auto pacer = MakeClosedLoop();
  const RunEnd end = RunLoad({.concurrency = 1, .duration = 4s}, *pacer, clock, server, tally, {});
  EXPECT_EQ(tally.totals().all.latency.count(), 2);
  EXPECT_EQ(end.elapsed, 6s);
}

// Nothing from 1 s to 2 s: the run goes on, and counts.
TEST_P(RunLoadTest, GoesOnWhenAServerIsAway) {
  SimulatedClock clock;
  SimulatedServer server(clock, GetParam(), [](Nanos now, std::int64_t) {
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

TEST_P(RunLoadTest, AStopEndsIt) {
  SimulatedClock clock;
  std::stop_source stop;
  SimulatedServer server(clock, GetParam(), [&stop](Nanos now, std::int64_t number) {
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

// Two calls in flight at a time on average, and four workers.
TEST(OverlappingRunTest, WorkersOverlap) {
  SimulatedClock clock;
  SimulatedServer server(clock, /*overlaps=*/true,
                         [](Nanos now, std::int64_t) { return std::pair(now + 10ms, absl::OkStatus()); });
  CallTally tally;
  const auto pacer = MakeConstantPacer(200);
  const RunEnd end = RunLoad({.concurrency = 4, .duration = 5s}, *pacer, clock, server, tally, {});
  const CallGroup& all = tally.totals().all;
  EXPECT_EQ(all.latency.count(), 1000);
  EXPECT_EQ(all.latency.max(), 10ms);
  EXPECT_EQ(end.backlog, 0);
  EXPECT_EQ(end.elapsed, 5005ms);
}

// One worker, whose results take longer to check than the gap to the next call.
TEST(OverlappingRunTest, AWorkerIsBusyUntilItsResultsAreChecked) {
  SimulatedClock clock;
  SimulatedServer server(clock, /*overlaps=*/true,
                         [](Nanos now, std::int64_t) { return std::pair(now + 1ms, absl::OkStatus()); });
  server.set_check_time(9ms);
  CallTally tally;
  const auto pacer = MakeClosedLoop();
  const RunEnd end = RunLoad({.concurrency = 1, .count = 8}, *pacer, clock, server, tally, {});
  EXPECT_EQ(tally.totals().all.latency.max(), 1ms);
  EXPECT_EQ(tally.totals().verified, 2);
  EXPECT_EQ(end.elapsed, 26ms);
}

// Of 16 calls that end together four are checked, when the ends of all are noted.
TEST(OverlappingRunTest, NoCheckDelaysTheEndsOfOthers) {
  SimulatedClock clock;
  SimulatedServer server(clock, /*overlaps=*/true,
                         [](Nanos, std::int64_t) { return std::pair(Nanos(1ms), absl::OkStatus()); });
  server.set_check_time(10ms);
  CallTally tally;
  const auto pacer = MakeClosedLoop();
  RunLoad({.concurrency = 16, .count = 16}, *pacer, clock, server, tally, {});
  EXPECT_EQ(tally.totals().verified, 4);
  EXPECT_EQ(tally.totals().all.latency.max(), 1ms);
}

// One worker is refused and pauses, the others go on.
TEST(OverlappingRunTest, OneWorkerPauses) {
  SimulatedClock clock;
  SimulatedServer server(clock, /*overlaps=*/true, [](Nanos now, std::int64_t number) {
    return std::pair(now + 10ms, number == 0 ? absl::ResourceExhaustedError("full") : absl::OkStatus());
  });
  CallTally tally;
  const auto pacer = MakeClosedLoop();
  RunLoad({.concurrency = 2, .duration = 1s}, *pacer, clock, server, tally, {});
  EXPECT_EQ(tally.totals().all.errors, 1);
  EXPECT_EQ(tally.totals().all.latency.count(), 100 + 100 - 11);
}

// Workers share the numbers, on real threads and in real time.
TEST(ThreadsRunTest, WorkersMakeEachCallOnce) {
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
