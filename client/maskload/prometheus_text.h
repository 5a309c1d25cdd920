// Metrics in the text format of Prometheus.
#ifndef MASKD_CLIENT_MASKLOAD_PROMETHEUS_TEXT_H_
#define MASKD_CLIENT_MASKLOAD_PROMETHEUS_TEXT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace maskd::maskload {

struct MetricSample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

// The samples, in their order; comments and times of samples are not read.
//
// Returns INVALID_ARGUMENT with the first line that is none.
absl::StatusOr<std::vector<MetricSample>> ParsePrometheusText(absl::string_view text);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_PROMETHEUS_TEXT_H_
