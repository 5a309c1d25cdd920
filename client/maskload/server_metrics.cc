#include "client/maskload/server_metrics.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "client/maskload/http_get.h"
#include "kernels/status_macros.h"

namespace maskd::maskload {
namespace {

constexpr std::chrono::seconds kPatience(5);

}  // namespace

void ServerMetrics::Add(const std::vector<MetricSample>& samples) {
  for (const MetricSample& sample : samples) {
    if (sample.name == "process_cpu_seconds_total") cpu_seconds = cpu_seconds.value_or(0) + sample.value;
    const auto stage = sample.labels.find("stage");
    if (stage == sample.labels.end()) continue;
    if (sample.name == "maskd_stage_seconds_sum") Stage(stage->second).seconds += sample.value;
    if (sample.name == "maskd_stage_seconds_count") Stage(stage->second).calls += sample.value;
  }
}

StageTime& ServerMetrics::Stage(const std::string& name) {
  const auto found = std::ranges::find(stages, name, &StageTime::name);
  return found != stages.end() ? *found : stages.emplace_back(StageTime{.name = name});
}

ServerMetrics Between(ServerMetrics before, const ServerMetrics& after) {
  ServerMetrics between;
  for (const StageTime& stage : after.stages) {
    const StageTime& earlier = before.Stage(stage.name);
    if (stage.calls <= earlier.calls) continue;
    between.stages.push_back({.name = stage.name,
                              .seconds = stage.seconds - earlier.seconds,
                              .calls = stage.calls - earlier.calls});
  }
  if (before.cpu_seconds.has_value() && after.cpu_seconds.has_value())
    between.cpu_seconds = *after.cpu_seconds - *before.cpu_seconds;
  return between;
}

absl::StatusOr<ServerMetrics> ScrapeServers(const std::vector<std::string>& urls) {
  ServerMetrics metrics;
  for (const std::string& url : urls) {
    MASKD_ASSIGN_OR_RETURN(const std::string page, HttpGet(url, kPatience));
    const absl::StatusOr<std::vector<MetricSample>> samples = ParsePrometheusText(page);
    if (!samples.ok())
      return absl::UnavailableError(absl::StrCat(url, ": ", std::string(samples.status().message())));
    metrics.Add(*samples);
  }
  return metrics;
}

}  // namespace maskd::maskload
