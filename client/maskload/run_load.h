// Calls, paced, from their first to their last.
#ifndef MASKD_CLIENT_MASKLOAD_RUN_LOAD_H_
#define MASKD_CLIENT_MASKLOAD_RUN_LOAD_H_

#include <cstdint>
#include <optional>
#include <stop_token>

#include "client/maskload/call_tally.h"
#include "client/maskload/clock.h"
#include "client/maskload/pacer.h"

namespace maskd::maskload {

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

// Runs to the end, on a thread a worker, and counts into `tally`. After UNAVAILABLE
// or RESOURCE_EXHAUSTED in a closed loop a worker pauses for 100 ms, as a caller
// would.
RunEnd RunLoad(const RunLimits& limits, Pacer& pacer, Clock& clock, Target& target, CallTally& tally,
               const std::stop_token& stop);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_RUN_LOAD_H_
