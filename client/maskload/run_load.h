// Calls, paced, from their first to their last.
#ifndef MASKD_CLIENT_MASKLOAD_RUN_LOAD_H_
#define MASKD_CLIENT_MASKLOAD_RUN_LOAD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "client/maskload/call_tally.h"
#include "client/maskload/clock.h"
#include "client/maskload/pacer.h"

namespace maskd::maskload {

// Calls of several workers that one thread makes. Not thread-safe.
class OverlappingCalls {
 public:
  struct Ended {
    int worker;
    CallOutcome outcome;
  };

  virtual ~OverlappingCalls() = default;

  // Begins the call with that number without waiting for its end. The worker has none
  // under way.
  virtual void Start(int worker, std::int64_t number) = 0;

  // A call that has ended, which is waited for until then or until that time of the
  // run's clock: Nanos::max() has no end, Nanos::min() does not wait. A call is
  // under way.
  virtual std::optional<Ended> Wait(Nanos until) = 0;
};

// What is called. Thread-safe: workers call at the same time.
class Target {
 public:
  virtual ~Target() = default;

  // Makes the call with that number and waits for its end. Ends early, with
  // CANCELLED, once a stop is requested.
  virtual CallOutcome Call(int worker, std::int64_t number, const std::stop_token& stop) = 0;

  // Called once after each call that succeeded, by its worker and before its next:
  // whether the results are right, or nothing if they are not to be looked at. Not
  // part of the time of the call.
  virtual std::optional<bool> Verify(int worker, std::int64_t number) = 0;

  // Whether Verify looks at the results of that call, which may take a while.
  virtual bool LooksAt(std::int64_t number) const {
    static_cast<void>(number);
    return true;
  }

  // Another way to call, which needs no thread a worker but one for each of these, which
  // workers take in turn. Calls end early as those of Call do. Empty: there is none.
  virtual std::vector<std::unique_ptr<OverlappingCalls>> Overlap(const std::stop_token& stop) {
    static_cast<void>(stop);
    return {};
  }
};

// The run ends with whichever comes first.
struct RunLimits {
  int concurrency = 1;  // calls in flight, at most; >= 1
  // No call begins later. > 0.
  std::optional<Nanos> duration = {};
  std::optional<std::int64_t> count = {};  // calls; >= 1
};

struct RunEnd {
  // From the start until the end of the duration, or of the last call if that was
  // later or the count was reached.
  Nanos elapsed{0};
  // Open loop: calls that were to begin before the end and never did, because
  // all workers were busy.
  std::int64_t backlog = 0;
  // Whether a stop was requested before the end.
  bool stopped = false;
};

// Runs to the end and counts into `tally`. Calls overlap if the target has a way to do
// that, otherwise each worker has a thread. After UNAVAILABLE or RESOURCE_EXHAUSTED in a
// closed loop a worker pauses for 100 ms, as a caller would.
RunEnd RunLoad(const RunLimits& limits, Pacer& pacer, Clock& clock, Target& target, CallTally& tally,
               const std::stop_token& stop);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_RUN_LOAD_H_
