// Objectives that a run is held against.
#ifndef MASKD_CLIENT_MASKLOAD_SLO_H_
#define MASKD_CLIENT_MASKLOAD_SLO_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/maskload/call_tally.h"

namespace maskd::maskload {

// "p99<20ms": the latency from the intended start that the share 0.99 of the calls
// does not exceed is to be below 20 ms. A call that failed, or never began, is
// later than any bound. "max<1s" is p100. "errors<0.1%" bounds the share of the
// calls made that failed.
struct Slo {
  std::string text;
  bool of_errors = false;
  double quantile = 0;  // of a latency
  double bound = 0;     // seconds, or a share
};

struct SloVerdict {
  Slo slo;
  // Seconds, or a share; infinite where too many calls have no latency at all.
  double value = 0;
  bool met = false;
};

// Returns INVALID_ARGUMENT if `text` is no objective.
absl::StatusOr<Slo> ParseSlo(absl::string_view text);

// A run without a call meets none.
SloVerdict Judge(const Slo& slo, const CallGroup& calls, std::int64_t backlog);

// Returns "250ms", "1.5s", "2m" or a number of seconds as seconds, above 0;
// INVALID_ARGUMENT if `text` is none.
absl::StatusOr<double> ParseSeconds(absl::string_view text);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_SLO_H_
