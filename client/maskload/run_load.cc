#include "client/maskload/run_load.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace maskd::maskload {
namespace {

// Otherwise a server that is gone or full makes for calls that nobody would make.
constexpr std::chrono::milliseconds kPauseAfterRefusal(100);

// What the workers of a run share.
class Run {
 public:
  Run(const RunLimits& limits, Pacer& pacer, Clock& clock, Target& target, CallTally& tally,
      const std::stop_token& stop)
      : pacer_(pacer),
        clock_(clock),
        target_(target),
        tally_(tally),
        stop_(stop),
        end_(limits.duration.value_or(Nanos::max())),
        count_(limits.count.value_or(std::numeric_limits<std::int64_t>::max())),
        begin_(clock.Now()) {}

  void Work(int worker) {
    while (const std::optional<Ticket> ticket = Take()) {
      clock_.SleepUntil(begin_ + ticket->intended, stop_);
      if (stop_.stop_requested()) return;
      const Nanos start = Elapsed();
      CallOutcome outcome = target_.Call(worker, ticket->number, stop_);
      const Nanos end = Elapsed();
      if (stop_.stop_requested() && absl::IsCancelled(outcome.status)) return;
      const bool ok = outcome.status.ok();
      if (outcome.malformed) tally_.AddVerified(false);
      const bool no_room = absl::IsUnavailable(outcome.status) || absl::IsResourceExhausted(outcome.status);
      tally_.Add({.intended = ticket->intended, .start = start, .end = end, .outcome = std::move(outcome)});
      NoteEnd(end);
      if (ok) {
        if (const std::optional<bool> right = target_.Verify(worker, ticket->number))
          tally_.AddVerified(*right);
      }
      if (no_room && !pacer_.open()) clock_.SleepUntil(begin_ + end + kPauseAfterRefusal, stop_);
    }
  }

  // To be called when all workers are done.
  RunEnd End() {
    const bool counted_out = next_number_ == count_;
    RunEnd result{.elapsed = last_end_, .stopped = stop_.stop_requested()};
    if (result.stopped) {
      result.elapsed = Elapsed();
    } else if (!counted_out) {
      result.elapsed = std::max(last_end_, end_);
    }
    if (!pacer_.open()) return result;
    const Nanos until = std::min(end_, result.elapsed);
    while (next_number_ + result.backlog < count_ && pacer_.Next(until) < until) ++result.backlog;
    return result;
  }

 private:
  struct Ticket {
    std::int64_t number;
    Nanos intended;
  };

  Nanos Elapsed() const { return clock_.Now() - begin_; }

  // The next call to make; nothing if the run is over.
  std::optional<Ticket> Take() {
    const std::lock_guard lock(mutex_);
    const Nanos now = Elapsed();
    if (stop_.stop_requested() || now >= end_ || next_number_ == count_) return std::nullopt;
    const Nanos intended = pacer_.Next(now);
    if (intended >= end_) return std::nullopt;
    return Ticket{.number = next_number_++, .intended = intended};
  }

  void NoteEnd(Nanos end) {
    const std::lock_guard lock(mutex_);
    last_end_ = std::max(last_end_, end);
  }

  Pacer& pacer_;
  Clock& clock_;
  Target& target_;
  CallTally& tally_;
  const std::stop_token stop_;
  const Nanos end_;
  const std::int64_t count_;
  const Nanos begin_;
  std::mutex mutex_;
  std::int64_t next_number_ = 0;  // guarded by mutex_, as is the rest
  Nanos last_end_{0};
};

}  // namespace

RunEnd RunLoad(const RunLimits& limits, Pacer& pacer, Clock& clock, Target& target, CallTally& tally,
               const std::stop_token& stop) {
  Run run(limits, pacer, clock, target, tally, stop);
  {
    std::vector<std::jthread> workers;
    for (int worker = 0; worker < limits.concurrency; ++worker)
      workers.emplace_back([&run, worker] { run.Work(worker); });
  }
  return run.End();
}

}  // namespace maskd::maskload
