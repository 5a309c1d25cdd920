// One run, with what it took of the client and of the servers.
#ifndef MASKD_CLIENT_MASKLOAD_MEASURED_RUN_H_
#define MASKD_CLIENT_MASKLOAD_MEASURED_RUN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "client/maskload/call_tally.h"
#include "client/maskload/resource_use.h"
#include "client/maskload/run_load.h"
#include "client/maskload/server_metrics.h"

namespace maskd::maskload {

struct RunPlan {
  RunLimits limits = {};
  std::optional<double> rate = {};  // calls a second; none: a closed loop
  bool poisson = false;
  std::uint64_t pacer_seed = 0;
  Nanos warm_up{0};                            // calls that do not count, before
  std::vector<std::string> metrics_urls = {};  // of the servers
  bool show_progress = false;                  // on stderr
};

struct MeasuredRun {
  std::unique_ptr<const CallTally> tally;
  RunEnd end = {};
  std::int64_t wrong = 0;  // results, those of the warm-up included
  double client_cpu_seconds = 0;
  double machine_busy = 0;  // share of the CPU of this machine that was not idle
  std::optional<ServerMetrics> server = {};
};

// Runs the warm-up, and then the run. `warn` is told of each server whose
// metrics cannot be had, which the run goes on without.
MeasuredRun MeasureRun(const RunPlan& plan, Clock& clock, Target& target, const std::stop_token& stop,
                       const std::function<void(const std::string&)>& warn);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_MEASURED_RUN_H_
