#include "client/maskload/compare_reports.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/maskload/format_figures.h"
#include "kernels/status_macros.h"

namespace maskd::maskload {
namespace {

using Json = nlohmann::json;

// The share of failed calls may grow by so much: any bound of a rate or a time would be
// far too wide for it.
constexpr double kMaxMoreFailures = 0.001;

struct Figure {
  std::string name;
  double value = 0;
  bool more_is_better = false;
  bool gated = false;
  std::string (*format)(double) = FormatTime;
};

std::string FormatRate(double bytes) { return FormatBytes(bytes) + "/s"; }

std::vector<Figure> FiguresOf(const Json& report) {
  const Json& all = report.at("all");
  std::vector<Figure> figures = {
      {"calls/s", all.at("calls_per_second"), true, true, FormatNumber},
      {"bytes/s", all.at("bytes_per_second"), true, false, FormatRate},
  };
  for (const char* const name : {"mean", "p50", "p90", "p95", "p99", "p99.9", "max"}) {
    const std::string text = name;
    figures.push_back({text, all.at("latency").at(name), false, text == "p50" || text == "p99"});
  }
  figures.push_back({"client CPU/GB", report.at("client_cpu_seconds_per_gb")});
  const double errors = all.at("errors");
  const double made = errors + all.at("calls").get<double>();
  figures.push_back({"failed", made > 0 ? errors / made : 0, false, true, FormatPercent});
  return figures;
}

absl::StatusOr<Json> ParseReport(const std::string& name, const std::string& text) {
  Json report = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  try {
    FiguresOf(report);
    report.at("wrong").get<std::int64_t>();
    report.at("configuration").get<std::map<std::string, std::string>>();
  } catch (const Json::exception&) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is no report of maskload: write one with --format=json"));
  }
  return report;
}

// How much worse `second` is, as a share of the first; negative: better.
double Regression(const Figure& first, const Figure& second) {
  // A share has no share that says much.
  if (first.format == FormatPercent) return second.value - first.value;
  if (first.value == 0) return second.value == 0 ? 0 : (first.more_is_better ? -1 : 1);
  const double change = second.value / first.value - 1;
  return first.more_is_better ? -change : change;
}

// What was asked of the two runs that is not the same.
std::string Differences(const Json& first, const Json& second) {
  const auto value_of = [](const Json& report, const std::string& name) {
    return report.at("configuration").value(name, "none");
  };
  std::set<std::string> names;
  for (const Json* const report : {&first, &second}) {
    for (const auto& [name, unused] : report->at("configuration").items()) names.insert(name);
  }
  std::string text;
  for (const std::string& name : names) {
    const std::string before = value_of(first, name);
    const std::string after = value_of(second, name);
    if (before != after) absl::StrAppend(&text, "not the same ", name, ": ", before, " and ", after, "\n");
  }
  return text.empty() ? text : text + "\n";
}

}  // namespace

absl::StatusOr<Comparison> CompareReports(const std::string& first_name, const std::string& first,
                                          const std::string& second_name, const std::string& second,
                                          double max_regression) {
  MASKD_ASSIGN_OR_RETURN(const Json before, ParseReport(first_name, first));
  MASKD_ASSIGN_OR_RETURN(const Json after, ParseReport(second_name, second));
  const std::vector<Figure> first_figures = FiguresOf(before);
  const std::vector<Figure> second_figures = FiguresOf(after);
  Comparison comparison;
  std::vector<std::vector<std::string>> rows = {{"", "first", "second", "change", "gate"}};
  for (std::size_t i = 0; i < first_figures.size(); ++i) {
    const Figure& figure = first_figures[i];
    const double worse = Regression(figure, second_figures[i]);
    const double change = figure.more_is_better ? -worse : worse;
    const double most = figure.format == FormatPercent ? kMaxMoreFailures : max_regression;
    const bool regressed = figure.gated && worse > most;
    comparison.regressed |= regressed;
    rows.push_back({figure.name, figure.format(figure.value), figure.format(second_figures[i].value),
                    absl::StrCat(change > 0 ? "+" : "", FormatPercent(change)),
                    regressed ? "WORSE" : (figure.gated ? "ok" : "")});
  }
  const std::int64_t wrong_before = before.at("wrong");
  const std::int64_t wrong_after = after.at("wrong");
  const bool wrong = wrong_after > 0 && wrong_before == 0;
  comparison.regressed |= wrong;
  rows.push_back(
      {"wrong results", FormatCount(wrong_before), FormatCount(wrong_after), "", wrong ? "WORSE" : "ok"});
  comparison.table = Differences(before, after) + FormatTable(rows);
  return comparison;
}

}  // namespace maskd::maskload
