// Two runs side by side.
#ifndef MASKD_CLIENT_MASKLOAD_COMPARE_REPORTS_H_
#define MASKD_CLIENT_MASKLOAD_COMPARE_REPORTS_H_

#include <string>

#include "absl/status/statusor.h"

namespace maskd::maskload {

struct Comparison {
  std::string table;  // for people
  // Whether a figure of the gate is worse by more than allowed: calls/s, p50, p99,
  // or the share of calls that failed; or results are wrong that were right.
  bool regressed = false;
};

// Compares reports as ToJson writes them. `max_regression` is a share >= 0: 0.1
// allows a rate of 0.9 and times of 1.1 of the first, and as much more of the calls
// to fail.
//
// Returns INVALID_ARGUMENT with the name of the report that is none.
absl::StatusOr<Comparison> CompareReports(const std::string& first_name, const std::string& first,
                                          const std::string& second_name, const std::string& second,
                                          double max_regression);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_COMPARE_REPORTS_H_
