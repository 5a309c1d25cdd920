// What servers say about themselves, before and after a run.
#ifndef MASKD_CLIENT_MASKLOAD_SERVER_METRICS_H_
#define MASKD_CLIENT_MASKLOAD_SERVER_METRICS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

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
  std::optional<double> cores = {};        // maskd_cores: what it may use of them

  void Add(const std::vector<MetricSample>& samples);
  // Counts as one what several servers say.
  void Add(const ServerMetrics& other);

  // The stage of that name, added if there is none.
  StageTime& Stage(const std::string& name);
};

// What was added between `before` and `after`, and the cores of `after`; stages in
// which nothing was are left out. Nothing if a count fell, as when the server was started again.
std::optional<ServerMetrics> Between(const ServerMetrics& before, ServerMetrics after);

// The pages of servers, read before and after a run.
class ServerMeter {
 public:
  // `warn` is told of each server that is left out, and why.
  ServerMeter(std::vector<std::string> urls, std::function<void(const std::string&)> warn)
      : urls_(std::move(urls)), warn_(std::move(warn)) {}

  // Each reads the pages, and gives up once a stop is requested.
  void Begin(const std::stop_token& stop);
  // What was added since Begin; nothing if no server is left.
  std::optional<ServerMetrics> End(const std::stop_token& stop);

 private:
  std::optional<ServerMetrics> Read(const std::string& url, const std::stop_token& stop) const;

  const std::vector<std::string> urls_;
  const std::function<void(const std::string&)> warn_;
  std::vector<std::optional<ServerMetrics>> before_;  // of each URL
};

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_SERVER_METRICS_H_
