#include "client/maskload/summary_text.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/maskload/format_figures.h"

namespace maskd::maskload {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// Two columns of text, a line each.
std::string FormatPairs(const Rows& rows) {
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row[0].size());
  std::string text;
  for (const auto& row : rows)
    absl::StrAppend(&text, row[0], std::string(width + 2 - row[0].size(), ' '), row[1], "\n");
  return text;
}

std::vector<std::string> LatencyRow(const std::string& label, const LatencyFigures& figures) {
  std::vector<std::string> row = {label};
  for (const double seconds :
       {figures.mean, figures.p50, figures.p90, figures.p95, figures.p99, figures.p999, figures.max})
    row.push_back(FormatTime(seconds));
  return row;
}

std::string Latencies(const LoadReport& report) {
  Rows rows = {{"", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"}};
  rows.push_back(LatencyRow("latency", report.all.latency));
  if (report.open_loop) rows.push_back(LatencyRow("service time", report.all.service));
  return FormatTable(rows);
}

std::string Totals(const LoadReport& report) {
  const GroupFigures& all = report.all;
  Rows rows = {{"calls", absl::StrCat(FormatCount(all.calls), " ok, ", FormatCount(all.errors), " failed, ",
                                      FormatNumber(all.calls_per_second), " ok a second")}};
  rows.push_back(
      {"bytes", absl::StrCat(FormatBytes(static_cast<double>(all.bytes)), " of tokens and results, ",
                             FormatBytes(all.bytes_per_second), "/s")});
  rows.push_back({"results", absl::StrCat(FormatCount(report.verified), " calls checked, ",
                                          FormatCount(report.wrong), " wrong")});
  if (report.open_loop)
    rows.push_back(
        {"backlog", absl::StrCat(FormatCount(report.backlog), " calls that were due did not begin")});
  rows.push_back({"client", absl::StrCat(FormatTime(report.client_cpu_seconds), " of CPU, ",
                                         FormatTime(report.client_cpu_seconds_per_gb()), " per GB; ",
                                         FormatBytes(static_cast<double>(report.client_peak_memory_bytes)),
                                         " of memory at most")});
  for (const ErrorFigures& error : report.errors)
    rows.push_back(
        {"error", absl::StrCat(error.code, " ", FormatCount(error.count), ": ", error.first_message)});
  return FormatPairs(rows);
}

std::string Groups(const std::string& kind, const std::vector<GroupFigures>& groups) {
  if (groups.size() < 2) return "";
  Rows rows = {{kind, "ok", "failed", "calls/s", "bytes/s", "p50", "p99", "max"}};
  for (const GroupFigures& group : groups) {
    rows.push_back({group.label, FormatCount(group.calls), FormatCount(group.errors),
                    FormatNumber(group.calls_per_second), FormatBytes(group.bytes_per_second),
                    FormatTime(group.latency.p50), FormatTime(group.latency.p99),
                    FormatTime(group.latency.max)});
  }
  return "\n" + FormatTable(rows);
}

std::string Stages(const LoadReport& report) {
  if (report.stages.empty()) return "";
  double total = 0;
  for (const StageFigures& stage : report.stages) total += stage.seconds;
  Rows rows = {{"server's stage", "calls", "mean", "share"}};
  for (const StageFigures& stage : report.stages) {
    rows.push_back({stage.name, FormatCount(std::llround(stage.calls)),
                    FormatTime(stage.seconds / stage.calls),
                    FormatPercent(total > 0 ? stage.seconds / total : 0)});
  }
  return "\n" + FormatTable(rows);
}

std::string Steps(const LoadReport& report) {
  if (report.steps.empty()) return "";
  Rows rows = {{"rate", "ok/s", "p50", "p99", "failed", "backlog", "objectives"}};
  for (const SearchStep& step : report.steps) {
    rows.push_back({FormatNumber(step.rate), FormatNumber(step.calls_per_second), FormatTime(step.p50),
                    FormatTime(step.p99), FormatCount(step.errors), FormatCount(step.backlog),
                    step.met ? "met" : "not met"});
  }
  return FormatTable(rows) + "\n";
}

std::string Verdicts(const LoadReport& report) {
  std::string text;
  for (const SloVerdict& verdict : report.slos) {
    if (std::isinf(verdict.value)) {
      absl::StrAppend(&text, verdict.slo.text, " is NOT met: too many calls failed or never began\n");
      continue;
    }
    const std::string value =
        verdict.slo.of_errors ? FormatPercent(verdict.value) : FormatTime(verdict.value);
    absl::StrAppend(&text, verdict.slo.text, verdict.met ? " is met: " : " is NOT met: ", value, "\n");
  }
  return text.empty() ? text : "\n" + text;
}

}  // namespace

std::string FormatSummary(const LoadReport& report) {
  Rows asked;
  for (const std::vector<Fact>* const facts : {&report.configuration, &report.servers}) {
    for (const Fact& fact : *facts) asked.push_back({fact.name, fact.value});
  }
  asked.push_back({"time", FormatTime(report.seconds) + (report.stopped ? ", stopped by a signal" : "")});
  std::string text =
      absl::StrCat(FormatPairs(asked), "\n", Steps(report), Latencies(report), "\n", Totals(report),
                   Groups("address", report.addresses), Groups("batch", report.shapes), Stages(report));
  absl::StrAppend(&text, Verdicts(report));
  if (!report.limit.empty()) absl::StrAppend(&text, "\n", report.limit, "\n");
  return text;
}

}  // namespace maskd::maskload
