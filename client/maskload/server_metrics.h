// What servers say about themselves, before and after a run.
#ifndef MASKD_CLIENT_MASKLOAD_SERVER_METRICS_H_
#define MASKD_CLIENT_MASKLOAD_SERVER_METRICS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/maskload/prometheus_text.h"

namespace maskd::maskload {

// Time in a stage of a call, of all calls together.
struct StageTime {
  std::string name;
  double seconds = 0;
  double calls = 0;
};

struct ServerMetrics {
  // maskd_stage_seconds by its label `stage`, in the order of the page.
  std::vector<StageTime> stages = {};
  std::optional<double> cpu_seconds = {};  // process_cpu_seconds_total

  // Counts as one what several servers say.
  void Add(const std::vector<MetricSample>& samples);

  // The stage of that name, added if there is none.
  StageTime& Stage(const std::string& name);
};

// What was added between `before` and `after`; stages in which nothing was are
// left out.
ServerMetrics Between(ServerMetrics before, const ServerMetrics& after);

// Returns the status of HttpGet, or UNAVAILABLE if a page has no metrics.
absl::StatusOr<ServerMetrics> ScrapeServers(const std::vector<std::string>& urls);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_SERVER_METRICS_H_
