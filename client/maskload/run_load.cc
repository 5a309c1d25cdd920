#include "client/maskload/run_load.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace maskd::maskload {
namespace {

// Otherwise a server that is gone or full makes for calls that nobody would make.
constexpr std::chrono::milliseconds kPauseAfterRefusal(100);

struct Ticket {
  std::int64_t number;
  Nanos intended;
};

// What the workers of a run share. Times count from its start.
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

  Nanos Elapsed() const { return clock_.Now() - begin_; }
  // As the clock has it.
  Nanos OnClock(Nanos time) const { return time == Nanos::max() ? time : begin_ + time; }
  void SleepUntil(Nanos time) { clock_.SleepUntil(OnClock(time), stop_); }
  bool stopped() const { return stop_.stop_requested(); }
  bool open() const { return pacer_.open(); }
  Target& target() { return target_; }

  // The next call to make; nothing, now and later, if the run is over.
  std::optional<Ticket> Take() {
    const std::lock_guard lock(mutex_);
    const Nanos now = Elapsed();
    if (stopped() || now >= end_ || next_number_ == count_) return std::nullopt;
    const Nanos intended = pacer_.Next(now);
    if (intended >= end_) return std::nullopt;
    return Ticket{.number = next_number_++, .intended = intended};
  }

  // What its worker does after a call.
  struct Next {
    bool verify = false;
    std::optional<Nanos> pause_until = {};
  };

  // Counts a call, unless it ended because the run was stopped.
  Next Count(const Ticket& ticket, Nanos start, Nanos end, CallOutcome outcome) {
    if (stopped() && absl::IsCancelled(outcome.status)) return {};
    Next next{.verify = outcome.status.ok()};
    if (!pacer_.open() && (absl::IsUnavailable(outcome.status) || absl::IsResourceExhausted(outcome.status)))
      next.pause_until = end + kPauseAfterRefusal;
    if (outcome.malformed) tally_.AddVerified(false);
    tally_.Add({.intended = ticket.intended, .start = start, .end = end, .outcome = std::move(outcome)});
    const std::lock_guard lock(mutex_);
    last_end_ = std::max(last_end_, end);
    return next;
  }

  void Verify(int worker, const Ticket& ticket) {
    const std::optional<bool> right = target_.Verify(worker, ticket.number);
    if (right.has_value()) tally_.AddVerified(*right);
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

// One worker on a thread of its own.
void Work(Run& run, int worker, const std::stop_token& stop) {
  while (const std::optional<Ticket> ticket = run.Take()) {
    run.SleepUntil(ticket->intended);
    if (run.stopped()) return;
    const Nanos start = run.Elapsed();
    CallOutcome outcome = run.target().Call(worker, ticket->number, stop);
    const Run::Next next = run.Count(*ticket, start, run.Elapsed(), std::move(outcome));
    if (next.verify) run.Verify(worker, *ticket);
    if (next.pause_until.has_value()) run.SleepUntil(*next.pause_until);
  }
}

// Some of the workers on one thread.
class Loop {
 public:
  Loop(Run& run, OverlappingCalls& calls) : run_(run), calls_(calls) {}

  void AddWorker(int worker) {
    free_.push_back(worker);
    if (static_cast<std::size_t>(worker) >= begun_.size())
      begun_.resize(static_cast<std::size_t>(worker) + 1);
  }

  void Work() {
    for (;;) {
      StartWhatIsDue();
      if (under_way_ == 0 && unverified_.empty() && over_) return;
      if (under_way_ > 0) {
        // Results are looked at when there is nothing else to do: it takes a while.
        const Nanos until = unverified_.empty() ? run_.OnClock(NextStart()) : Nanos::min();
        if (std::optional<OverlappingCalls::Ended> ended = calls_.Wait(until)) {
          NoteEnd(*std::move(ended));
          continue;
        }
      }
      if (!unverified_.empty()) {
        Verify(unverified_.front());
        unverified_.pop_front();
      } else if (under_way_ == 0) {
        run_.SleepUntil(NextStart());
      }
    }
  }

 private:
  struct Begun {
    Ticket ticket = {};
    Nanos start{0};
  };
  struct Paused {
    Nanos until;
    int worker;
  };

  void StartWhatIsDue() {
    over_ |= run_.stopped();
    while (!over_) {
      for (; !paused_.empty() && paused_.front().until <= run_.Elapsed(); paused_.pop_front())
        free_.push_back(paused_.front().worker);
      if (free_.empty()) return;
      if (!next_.has_value()) next_ = run_.Take();
      over_ = !next_.has_value();
      if (over_ || (run_.open() && next_->intended > run_.Elapsed())) return;
      const int worker = free_.front();
      free_.pop_front();
      ++under_way_;
      begun_[static_cast<std::size_t>(worker)] = {.ticket = *next_, .start = run_.Elapsed()};
      calls_.Start(worker, next_->number);
      next_.reset();
    }
  }

  // When a worker is free and a call due.
  Nanos NextStart() const {
    if (over_) return Nanos::max();
    if (next_.has_value()) return next_->intended;
    return paused_.empty() ? Nanos::max() : paused_.front().until;
  }

  void NoteEnd(OverlappingCalls::Ended ended) {
    const Nanos end = run_.Elapsed();
    --under_way_;
    const int worker = ended.worker;
    const Begun& begun = begun_[static_cast<std::size_t>(worker)];
    const Run::Next next = run_.Count(begun.ticket, begun.start, end, std::move(ended.outcome));
    if (next.verify && run_.target().LooksAt(begun.ticket.number)) {
      unverified_.push_back(worker);
    } else if (next.verify) {
      Verify(worker);
    } else if (next.pause_until.has_value()) {
      paused_.push_back({.until = *next.pause_until, .worker = worker});
    } else {
      free_.push_back(worker);
    }
  }

  void Verify(int worker) {
    run_.Verify(worker, begun_[static_cast<std::size_t>(worker)].ticket);
    free_.push_back(worker);
  }

  Run& run_;
  OverlappingCalls& calls_;
  std::vector<Begun> begun_;    // of each worker, its last call
  std::optional<Ticket> next_;  // for the next worker that is free
  // Workers are in one of these or have a call under way.
  std::deque<int> free_;
  std::deque<int> unverified_;
  std::deque<Paused> paused_;  // the first is the first to go on
  int under_way_ = 0;
  bool over_ = false;  // no call will begin
};

}  // namespace

RunEnd RunLoad(const RunLimits& limits, Pacer& pacer, Clock& clock, Target& target, CallTally& tally,
               const std::stop_token& stop) {
  Run run(limits, pacer, clock, target, tally, stop);
  const std::vector<std::unique_ptr<OverlappingCalls>> overlapping = target.Overlap(stop);
  std::vector<Loop> loops;
  for (const auto& calls : overlapping) {
    if (loops.size() < static_cast<std::size_t>(limits.concurrency)) loops.emplace_back(run, *calls);
  }
  {
    std::vector<std::jthread> threads;
    for (int worker = 0; worker < limits.concurrency; ++worker) {
      if (loops.empty()) {
        threads.emplace_back([&run, &stop, worker] { Work(run, worker, stop); });
      } else {
        loops[static_cast<std::size_t>(worker) % loops.size()].AddWorker(worker);
      }
    }
    for (Loop& loop : loops) threads.emplace_back([&loop] { loop.Work(); });
  }
  return run.End();
}

}  // namespace maskd::maskload
