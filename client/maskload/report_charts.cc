#include "client/maskload/report_charts.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/maskload/format_figures.h"
#include "client/maskload/svg_chart.h"

namespace maskd::maskload {
namespace {

// Beyond this ratio of the longest to the shortest time, short ones would lie flat
// on a linear axis.
constexpr double kLongRatio = 30;

std::string FormatAxisTime(double seconds) {
  if (seconds == 0) return "0";
  const auto [factor, unit] = seconds < 0.9995e-3 ? std::pair(1e6, "us")
                              : seconds < 0.9995  ? std::pair(1e3, "ms")
                                                  : std::pair(1.0, "s");
  return absl::StrFormat("%g %s", std::round(seconds * factor * 1e6) / 1e6, unit);
}

std::string FormatAxisNumber(double number) {
  return number >= 1000 ? FormatNumber(number) : absl::StrFormat("%g", number);
}

Axis TimeAxis(double shortest, double longest) {
  if (shortest > 0 && longest / shortest > kLongRatio)
    return LogAxis(shortest * 0.8, longest * 1.15, FormatAxisTime);
  return LinearAxis(longest * 1.02, 5, FormatAxisTime);
}

std::string Legend(const std::vector<Series>& series) {
  std::string html = "<div class=\"legend\">";
  for (const Series& one : series)
    absl::StrAppend(&html, "<span><i class=\"key ", one.colour, "\"></i>", EscapeHtml(one.label), "</span>");
  return html + "</div>\n";
}

std::string Card(const std::string& title, const std::string& text, const LineChart& chart) {
  return absl::StrCat("<section class=\"card\"><h2>", title, "</h2>\n<p>", text, "</p>\n",
                      Legend(chart.series), DrawLineChart(chart), "</section>\n");
}

// "p99.9" of a share above of 0.001.
std::string NameOfPercentile(double share_above) {
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(share_above) - 2 - 1e-9)));
  return absl::StrFormat("p%.*f", digits, 100 * (1 - share_above));
}

Axis SecondsAxis(const LoadReport& report) {
  Axis axis = LinearAxis(report.seconds, 10, FormatAxisNumber);
  axis.most = std::max(report.seconds, report.slices.back().begin + report.slice_seconds);
  std::erase_if(axis.ticks, [&axis](const Tick& tick) { return tick.at > axis.most; });
  return axis;
}

// Points of a figure in the middle of its slice.
std::vector<std::pair<double, double>> OverTime(const LoadReport& report,
                                                const std::function<double(const SliceFigures&)>& figure) {
  std::vector<std::pair<double, double>> points;
  for (const SliceFigures& slice : report.slices)
    points.emplace_back(slice.begin + report.slice_seconds / 2, figure(slice));
  return points;
}

// The bounds of the objectives that are latencies and have a place on `axis`.
std::vector<Tick> LevelsOn(const Axis& axis, const LoadReport& report) {
  std::vector<Tick> levels;
  for (const SloVerdict& verdict : report.slos) {
    const Slo& slo = verdict.slo;
    if (!slo.of_errors && slo.bound > axis.least && slo.bound < axis.most)
      levels.push_back({slo.bound, slo.text});
  }
  return levels;
}

double Highest(const std::vector<std::pair<double, double>>& points) {
  double highest = 0;
  for (const auto& [x, y] : points) highest = std::max(highest, y);
  return highest;
}

}  // namespace

std::string PercentileCard(const LoadReport& report) {
  if (report.curve.empty()) return "";
  Series latency{.label = report.open_loop ? "latency, from the intended start" : "latency", .colour = "a"};
  Series service{.label = "service time, from the actual start", .colour = "b"};
  for (const CurvePoint& point : report.curve) {
    latency.points.emplace_back(1 / point.share_above, point.latency);
    service.points.emplace_back(1 / point.share_above, point.service);
  }
  const double shortest = std::min(report.curve.front().latency, report.curve.front().service);
  const double last = 1 / report.curve.back().share_above;
  Axis x{.logarithmic = true, .least = 1, .most = std::max(10.0, last)};
  x.ticks = {{1, "p0"}, {2, "p50"}};
  for (double factor = 10; factor <= x.most * 1.001; factor *= 10)
    x.ticks.push_back({factor, NameOfPercentile(1 / factor)});
  LineChart chart{.title = "Latency over percentile",
                  .x_label = "share of calls that were not slower",
                  .x = x,
                  .y = TimeAxis(shortest, report.curve.back().latency),
                  .series = {latency},
                  .describe = [](const Series& series, double at, double seconds) {
                    return absl::StrCat(NameOfPercentile(1 / at), " ", FormatTime(seconds), ", ",
                                        series.label);
                  }};
  if (report.open_loop) chart.series.push_back(service);
  chart.levels = LevelsOn(chart.y, report);
  return Card("Latency over percentile",
              report.open_loop ? "Where the two lines part, calls waited for others before they could begin."
                               : "How slow the slowest calls were.",
              chart);
}

std::string LatencyOverTimeCard(const LoadReport& report) {
  if (report.slices.empty()) return "";
  const Series p50{
      .label = "p50", .colour = "a", .points = OverTime(report, [](const auto& s) { return s.p50; })};
  const Series p99{
      .label = "p99", .colour = "b", .points = OverTime(report, [](const auto& s) { return s.p99; })};
  double shortest = Highest(p99.points);
  for (const auto& [x, y] : p50.points) shortest = std::min(shortest, y);
  const LineChart chart{.title = "Latency over time",
                        .x_label = "seconds",
                        .x = SecondsAxis(report),
                        .y = TimeAxis(shortest, Highest(p99.points)),
                        .series = {p50, p99},
                        .describe =
                            [](const Series& series, double at, double seconds) {
                              return absl::StrCat(FormatTime(at), ": ", series.label, " ",
                                                  FormatTime(seconds));
                            },
                        .width = 520,
                        .height = 260};
  return Card("Latency over time",
              absl::StrCat("Of the calls that ended in each ", FormatTime(report.slice_seconds), "."), chart);
}

std::string ThroughputOverTimeCard(const LoadReport& report) {
  if (report.slices.empty()) return "";
  const Series calls{.label = "calls a second", .colour = "a", .points = OverTime(report, [](const auto& s) {
                                                                 return s.calls_per_second;
                                                               })};
  const Series errors{.label = "failed calls a second",
                      .colour = "bad",
                      .points = OverTime(report, [](const auto& s) { return s.errors_per_second; })};
  LineChart chart{
      .title = "Throughput over time",
      .x_label = "seconds",
      .x = SecondsAxis(report),
      .y = LinearAxis(std::max(Highest(calls.points), Highest(errors.points)) * 1.02, 5, FormatAxisNumber),
      .series = {calls},
      .describe =
          [](const Series& series, double at, double rate) {
            return absl::StrCat(FormatTime(at), ": ", FormatNumber(rate), " ", series.label);
          },
      .width = 520,
      .height = 260};
  if (report.all.errors > 0) chart.series.push_back(errors);
  return Card("Throughput over time",
              absl::StrCat(FormatBytes(report.all.bytes_per_second), "/s of tokens and results, on average."),
              chart);
}

std::string StagesCard(const LoadReport& report) {
  double total = 0;
  for (const StageFigures& stage : report.stages) total += stage.seconds;
  if (total <= 0) return "";
  std::string html =
      "<section class=\"card\"><h2>Where the server's time went</h2>\n<p>Stages of the calls of this run, "
      "from the "
      "server's metrics.</p>\n<div class=\"bars\">";
  std::string rows = "<table><tr><th>stage</th><th>calls</th><th>mean</th><th>share</th></tr>\n";
  // More stages than colours: the last colour goes on.
  char colour = 'a';
  for (const StageFigures& stage : report.stages) {
    const std::string share = FormatPercent(stage.seconds / total);
    const std::string name(1, colour);
    absl::StrAppendFormat(&html, "<div class=\"bar %s\" style=\"flex:%.4f\" title=\"%s %s\"></div>", name,
                          stage.seconds / total, EscapeHtml(stage.name), share);
    absl::StrAppend(&rows, "<tr><td><i class=\"key ", name, "\"></i>", EscapeHtml(stage.name), "</td><td>",
                    FormatCount(std::llround(stage.calls)), "</td><td>",
                    FormatTime(stage.seconds / stage.calls), "</td><td>", share, "</td></tr>\n");
    colour = static_cast<char>(std::min<int>(colour + 1, 'h'));
  }
  return absl::StrCat(html, "</div>\n", rows, "</table></section>\n");
}

std::string SearchCard(const LoadReport& report) {
  if (report.steps.empty()) return "";
  Series met{.label = "objectives met", .colour = "a", .line = false, .markers = true};
  Series missed{.label = "not met", .colour = "bad", .line = false, .markers = true};
  double highest_rate = 0;
  double longest = 0;
  double shortest = report.steps.front().p99;
  for (const SearchStep& step : report.steps) {
    (step.met ? met : missed).points.emplace_back(step.rate, step.p99);
    highest_rate = std::max(highest_rate, step.rate);
    longest = std::max(longest, step.p99);
    shortest = std::min(shortest, step.p99);
  }
  LineChart chart{.title = "Steps of the search",
                  .x_label = "calls a second that were asked for",
                  .x = LinearAxis(highest_rate * 1.02, 8, FormatAxisNumber),
                  .y = TimeAxis(shortest, longest),
                  .series = {met, missed},
                  .describe = [](const Series& series, double rate, double seconds) {
                    return absl::StrCat(FormatNumber(rate), " calls/s: p99 ", FormatTime(seconds), ", ",
                                        series.label);
                  }};
  chart.levels = LevelsOn(chart.y, report);
  return Card("p99 over the rate", "A dot a step of the search.", chart);
}

}  // namespace maskd::maskload
