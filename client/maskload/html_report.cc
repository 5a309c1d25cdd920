#include "client/maskload/html_report.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/maskload/format_figures.h"
#include "client/maskload/html_style.h"
#include "client/maskload/report_charts.h"
#include "client/maskload/svg_chart.h"

namespace maskd::maskload {
namespace {

std::string Headline(const LoadReport& report) {
  return absl::StrCat(FormatNumber(report.all.calls_per_second), " calls/s, p99 ",
                      FormatTime(report.all.latency.p99));
}

std::string Verdicts(const LoadReport& report) {
  std::vector<std::pair<bool, std::string>> verdicts;
  for (const SloVerdict& verdict : report.slos)
    verdicts.emplace_back(verdict.met, verdict.slo.text + (verdict.met ? " is met" : " is not met"));
  if (report.wrong > 0) verdicts.emplace_back(false, FormatCount(report.wrong) + " wrong results");
  if (report.stopped) verdicts.emplace_back(false, "stopped by a signal");
  if (report.wrong == 0 && report.verified > 0)
    verdicts.emplace_back(true, FormatCount(report.verified) + " results checked, every byte right");
  std::string html = "<ul class=\"verdicts\">";
  for (const auto& [good, text] : verdicts) {
    absl::StrAppend(&html, "<li class=\"", good ? "met" : "missed", "\"><b>", good ? "&#10003;" : "&#10007;",
                    "</b> ", EscapeHtml(text), "</li>");
  }
  return html + "</ul>\n";
}

std::string Tile(const std::string& name, const std::string& value, const std::string& note = "") {
  return absl::StrCat("<div class=\"tile\"><span>", name, "</span><strong>", value, "</strong><small>", note,
                      "</small></div>\n");
}

std::string Tiles(const LoadReport& report) {
  const LatencyFigures& latency = report.all.latency;
  const auto service = [&report](double seconds) {
    return report.open_loop ? "service time " + FormatTime(seconds) : "";
  };
  return absl::StrCat(
      "<div class=\"tiles\">",
      Tile("calls a second", FormatNumber(report.all.calls_per_second),
           FormatCount(report.all.calls) + " calls"),
      Tile("p50", FormatTime(latency.p50), service(report.all.service.p50)),
      Tile("p99", FormatTime(latency.p99), service(report.all.service.p99)),
      Tile("p99.9", FormatTime(latency.p999), service(report.all.service.p999)),
      Tile("bytes a second", FormatBytes(report.all.bytes_per_second) + "/s", "tokens and results"),
      Tile("failed", FormatCount(report.all.errors),
           report.open_loop ? "backlog " + FormatCount(report.backlog) : "calls"),
      "</div>\n");
}

std::string Table(const std::string& title, const std::string& style,
                  const std::vector<std::vector<std::string>>& rows, bool head) {
  std::string html =
      absl::StrCat("<section class=\"card\"><h2>", title, "</h2>\n<table class=\"", style, "\">\n");
  for (const auto& row : rows) {
    const char* const cell = head && &row == &rows.front() ? "th" : "td";
    html += "<tr>";
    for (const std::string& text : row)
      absl::StrAppend(&html, "<", cell, ">", EscapeHtml(text), "</", cell, ">");
    html += "</tr>\n";
  }
  return html + "</table></section>\n";
}

std::string Facts(const std::string& title, const std::vector<Fact>& facts) {
  std::vector<std::vector<std::string>> rows;
  for (const Fact& fact : facts) rows.push_back({fact.name, fact.value});
  return Table(title, "facts", rows, false);
}

std::string Groups(const std::string& title, const std::string& kind,
                   const std::vector<GroupFigures>& groups) {
  if (groups.size() < 2) return "";
  std::vector<std::vector<std::string>> rows = {
      {kind, "ok", "failed", "calls/s", "bytes/s", "p50", "p99", "p99.9", "max"}};
  for (const GroupFigures& group : groups) {
    rows.push_back({group.label, FormatCount(group.calls), FormatCount(group.errors),
                    FormatNumber(group.calls_per_second), FormatBytes(group.bytes_per_second),
                    FormatTime(group.latency.p50), FormatTime(group.latency.p99),
                    FormatTime(group.latency.p999), FormatTime(group.latency.max)});
  }
  return Table(title, "", rows, true);
}

std::string Errors(const LoadReport& report) {
  if (report.errors.empty()) return "";
  std::vector<std::vector<std::string>> rows;
  for (const ErrorFigures& error : report.errors)
    rows.push_back({absl::StrCat(FormatCount(error.count), " ", error.code), error.first_message});
  return Table("Calls that failed", "facts", rows, false);
}

std::vector<Fact> MachineOf(const LoadReport& report) {
  std::vector<Fact> facts = report.machine;
  facts.push_back({"client", absl::StrCat(FormatTime(report.client_cpu_seconds), " of CPU, ",
                                          FormatTime(report.client_cpu_seconds_per_gb()), " per GB, ",
                                          FormatBytes(static_cast<double>(report.client_peak_memory_bytes)),
                                          " of memory at most")});
  return facts;
}

}  // namespace

std::string ToHtml(const LoadReport& report) {
  std::vector<Fact> configuration = report.configuration;
  configuration.insert(configuration.end(), report.servers.begin(), report.servers.end());
  const std::string headline = Headline(report);
  std::string html = absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>maskload: ",
      headline, "</title>\n<style>", kHtmlStyle, "</style>\n</head>\n<body>\n<main>\n");
  absl::StrAppend(&html, "<p class=\"eyebrow\">maskload, ", EscapeHtml(report.started), ", ",
                  FormatTime(report.seconds), "</p>\n<h1>", headline, "</h1>\n");
  if (!report.limit.empty()) absl::StrAppend(&html, "<p>", EscapeHtml(report.limit), "</p>\n");
  absl::StrAppend(&html, Verdicts(report), Tiles(report), SearchCard(report), PercentileCard(report),
                  "<div class=\"columns\">", LatencyOverTimeCard(report), ThroughputOverTimeCard(report),
                  "</div>\n", StagesCard(report), Errors(report),
                  Groups("By address", "address", report.addresses));
  absl::StrAppend(
      &html, Groups("By batch", "batch", report.shapes), "<div class=\"columns\">",
      Facts("What was asked", configuration), Facts("The client's machine", MachineOf(report)), "</div>\n",
      "<footer>Latency counts from when a call was to begin; docs/maskload.md explains every figure.",
      "</footer>\n</main>\n</body>\n</html>\n");
  return html;
}

}  // namespace maskd::maskload
