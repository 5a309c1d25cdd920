// What the calls of a run came to.
#ifndef MASKD_CLIENT_MASKLOAD_CALL_TALLY_H_
#define MASKD_CLIENT_MASKLOAD_CALL_TALLY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/maskload/clock.h"
#include "client/maskload/latency_recorder.h"
#include "client/maskload/timeline.h"

namespace maskd::maskload {

// What a call was, and how it ended.
struct CallOutcome {
  absl::Status status;
  // Failed by an answer that is not what was asked for, which is a wrong result.
  bool malformed = false;
  std::size_t address = 0;          // which of the addresses
  std::size_t shape = 0;            // which of the mix
  std::int64_t bytes_sent = 0;      // of tokens
  std::int64_t bytes_received = 0;  // of results
};

// Times count from the start of the run.
struct TimedCall {
  Nanos intended;  // when it was to begin
  Nanos start;     // when it began
  Nanos end;
  CallOutcome outcome;
};

// Some of the calls. Times are of those that succeeded.
struct CallGroup {
  LatencyRecorder latency = {};  // end - intended
  LatencyRecorder service = {};  // end - start
  std::int64_t errors = 0;
  // Of those that succeeded.
  std::int64_t bytes_sent = 0;
  std::int64_t bytes_received = 0;

  std::int64_t bytes() const { return bytes_sent + bytes_received; }
};

struct ErrorCount {
  std::int64_t count = 0;
  std::string first_message = {};
};

// Thread-safe.
class CallTally {
 public:
  struct Totals {
    CallGroup all = {};
    std::vector<CallGroup> addresses = {};
    std::vector<CallGroup> shapes = {};
    std::map<absl::StatusCode, ErrorCount> errors = {};
    Timeline timeline = Timeline();
    std::int64_t verified = 0;  // calls whose results were checked
    std::int64_t wrong = 0;     // those that were not what they had to be
  };

  // What a person who waits wants to see.
  struct Glance {
    std::int64_t calls = 0;  // that succeeded
    std::int64_t errors = 0;
    std::int64_t wrong = 0;
    std::int64_t bytes = 0;
    Nanos p99{0};
  };

  void Add(const TimedCall& call);
  void AddVerified(bool right);

  Glance Look() const;

  // To be called when all calls have ended.
  const Totals& totals() const { return totals_; }

 private:
  mutable std::mutex mutex_;
  Totals totals_;  // guarded by mutex_
};

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_CALL_TALLY_H_
