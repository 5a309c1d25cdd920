#include "client/maskload/server_metrics.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/maskload/http_get.h"

namespace maskd::maskload {
namespace {

constexpr std::chrono::seconds kPatience(5);

}  // namespace

void ServerMetrics::Add(const std::vector<MetricSample>& samples) {
  for (const MetricSample& sample : samples) {
    if (sample.name == "process_cpu_seconds_total") cpu_seconds = cpu_seconds.value_or(0) + sample.value;
    if (sample.name == "maskd_cores") cores = cores.value_or(0) + sample.value;
    const auto stage = sample.labels.find("stage");
    if (stage == sample.labels.end()) continue;
    if (sample.name == "maskd_stage_seconds_sum") Stage(stage->second).seconds += sample.value;
    if (sample.name == "maskd_stage_seconds_count") Stage(stage->second).calls += sample.value;
  }
}

void ServerMetrics::Add(const ServerMetrics& other) {
  for (const StageTime& stage : other.stages) {
    StageTime& sum = Stage(stage.name);
    sum.seconds += stage.seconds;
    sum.calls += stage.calls;
  }
  if (other.cpu_seconds.has_value()) cpu_seconds = cpu_seconds.value_or(0) + *other.cpu_seconds;
  if (other.cores.has_value()) cores = cores.value_or(0) + *other.cores;
}

StageTime& ServerMetrics::Stage(const std::string& name) {
  const auto found = std::ranges::find(stages, name, &StageTime::name);
  return found != stages.end() ? *found : stages.emplace_back(StageTime{.name = name});
}

std::optional<ServerMetrics> Between(const ServerMetrics& before, ServerMetrics after) {
  ServerMetrics between{.cores = after.cores};
  for (const StageTime& earlier : before.stages) {
    StageTime& stage = after.Stage(earlier.name);
    stage.calls -= earlier.calls;
    stage.seconds -= earlier.seconds;
    if (stage.calls < 0 || stage.seconds < 0) return std::nullopt;
  }
  for (const StageTime& stage : after.stages) {
    if (stage.calls > 0) between.stages.push_back(stage);
  }
  if (before.cpu_seconds.has_value() && after.cpu_seconds.has_value()) {
    between.cpu_seconds = *after.cpu_seconds - *before.cpu_seconds;
    if (*between.cpu_seconds < 0) return std::nullopt;
  }
  return between;
}

void ServerMeter::Begin(const std::stop_token& stop) {
  before_.clear();
  for (const std::string& url : urls_) before_.push_back(Read(url, stop));
}

std::optional<ServerMetrics> ServerMeter::End(const std::stop_token& stop) {
  std::optional<ServerMetrics> sum;
  for (std::size_t i = 0; i < urls_.size(); ++i) {
    if (!before_[i].has_value()) continue;
    std::optional<ServerMetrics> after = Read(urls_[i], stop);
    if (!after.has_value()) continue;
    const std::optional<ServerMetrics> between = Between(*before_[i], *std::move(after));
    if (!between.has_value()) {
      warn_(absl::StrCat(urls_[i], ": counts fell, so the server was started again; it is left out"));
      continue;
    }
    if (!sum.has_value()) sum.emplace();
    sum->Add(*between);
  }
  return sum;
}

std::optional<ServerMetrics> ServerMeter::Read(const std::string& url, const std::stop_token& stop) const {
  const absl::StatusOr<std::string> page = HttpGet(url, kPatience, stop);
  if (stop.stop_requested()) return std::nullopt;
  if (!page.ok()) {
    warn_(std::string(page.status().message()));
    return std::nullopt;
  }
  const absl::StatusOr<std::vector<MetricSample>> samples = ParsePrometheusText(*page);
  if (!samples.ok()) {
    warn_(absl::StrCat(url, ": ", std::string(samples.status().message())));
    return std::nullopt;
  }
  ServerMetrics metrics;
  metrics.Add(*samples);
  return metrics;
}

}  // namespace maskd::maskload
