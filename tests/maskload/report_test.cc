// Reports in every format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "client/maskload/compare_reports.h"
#include "client/maskload/html_report.h"
#include "client/maskload/report_files.h"
#include "client/maskload/summary_text.h"
#include "tests/maskload/sample_report.h"

namespace maskd::maskload {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Golden(const std::string& name) {
  std::ifstream file(std::string(MASKD_GOLDEN_DIR) + "/" + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(SummaryTest, OpenLoopIsAsInTheGoldenFile) {
  EXPECT_EQ(FormatSummary(SampleReport()), Golden("open_loop.txt"));
}

TEST(SummaryTest, ClosedLoopIsAsInTheGoldenFile) {
  EXPECT_EQ(FormatSummary(SampleClosedReport()), Golden("closed_loop.txt"));
}

TEST(SummaryTest, SearchIsAsInTheGoldenFile) {
  EXPECT_EQ(FormatSummary(SampleSearchReport()), Golden("search.txt"));
}

TEST(CsvTest, IsAsInTheGoldenFile) {
  EXPECT_EQ(ToCsv(SampleReport()), Golden("open_loop.csv"));
  EXPECT_EQ(ToCsv(SampleSearchReport()), Golden("search.csv"));
}

TEST(JsonTest, HasTheFiguresOfTheReport) {
  const LoadReport report = SampleReport();
  const auto json = nlohmann::json::parse(ToJson(report));
  EXPECT_EQ(json.at("all").at("calls"), report.all.calls);
  EXPECT_EQ(json.at("all").at("latency").at("p99.9"), report.all.latency.p999);
  EXPECT_EQ(json.at("configuration").at("batches"), "<mix>");
  EXPECT_EQ(json.at("addresses").size(), 2u);
  EXPECT_EQ(json.at("errors").at(0).at("code"), "UNAVAILABLE");
  EXPECT_EQ(json.at("slices").size(), report.slices.size());
  EXPECT_EQ(json.at("stages").at(1).at("name"), "send");
  EXPECT_EQ(json.at("server_cpu_seconds"), 4);
  // More calls failed than p99 leaves room for.
  EXPECT_TRUE(json.at("slos").at(1).at("value").is_null());
  EXPECT_EQ(nlohmann::json::parse(ToJson(SampleSearchReport())).at("steps").at(1).at("backlog"), 70);
}

TEST(JsonTest, TakesAnyBytesOfAServer) {
  LoadReport report = SampleReport();
  report.errors[0].first_message = "\xff\xfe \"quoted\"";
  EXPECT_TRUE(nlohmann::json::accept(ToJson(report)));
}

TEST(HtmlTest, IsOnePageOfItsOwn) {
  for (const LoadReport& report : {SampleReport(), SampleClosedReport(), SampleSearchReport()}) {
    const std::string html = ToHtml(report);
    EXPECT_THAT(html, HasSubstr("<!DOCTYPE html>"));
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_THAT(html, Not(HasSubstr("http")));
    EXPECT_THAT(html, Not(HasSubstr("src=")));
    EXPECT_THAT(html, Not(HasSubstr("nan")));
    EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
    EXPECT_THAT(html, HasSubstr("Latency over percentile"));
    EXPECT_THAT(html, HasSubstr("Throughput over time"));
  }
}

TEST(HtmlTest, ShowsWhatTheReportHas) {
  const std::string html = ToHtml(SampleReport());
  EXPECT_THAT(html, HasSubstr("Where the server's time went"));
  EXPECT_THAT(html, HasSubstr("By address"));
  EXPECT_THAT(html, HasSubstr("The server's CPU is the limit"));
  EXPECT_THAT(html, HasSubstr("p99&lt;20ms is not met"));
  EXPECT_THAT(html, Not(HasSubstr("p99 over the rate")));
  EXPECT_THAT(ToHtml(SampleSearchReport()), HasSubstr("p99 over the rate"));
}

TEST(HtmlTest, TextOfOthersIsText) {
  const std::string html = ToHtml(SampleReport());
  EXPECT_THAT(html, Not(HasSubstr("<peer>")));
  EXPECT_THAT(html, HasSubstr("&lt;peer&gt;"));
  EXPECT_THAT(html, HasSubstr("&lt;mix&gt;"));
}

TEST(HtmlTest, TakesARunWithoutACall) {
  LoadReport report{.started = "2026-11-21T10:00:00Z"};
  EXPECT_THAT(ToHtml(report), Not(HasSubstr("<svg")));
  EXPECT_FALSE(FormatSummary(report).empty());
  EXPECT_TRUE(nlohmann::json::accept(ToJson(report)));
}

TEST(CompareTest, IsAsInTheGoldenFile) {
  LoadReport second = SampleReport();
  second.all.calls_per_second *= 0.85;
  second.all.latency.p99 *= 1.05;
  second.all.latency.max *= 3;
  second.configuration[0].value = "closed, 8 in flight";
  const auto comparison = CompareReports("a", ToJson(SampleReport()), "b", ToJson(second), 0.1);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_TRUE(comparison->regressed);
  EXPECT_EQ(comparison->table, Golden("compare.txt"));
}

bool Regresses(const LoadReport& second, double max_regression) {
  const auto comparison = CompareReports("a", ToJson(SampleReport()), "b", ToJson(second), max_regression);
  EXPECT_TRUE(comparison.ok()) << comparison.status();
  return comparison.ok() && comparison->regressed;
}

TEST(CompareTest, TheSameIsNoRegression) { EXPECT_FALSE(Regresses(SampleReport(), 0)); }

TEST(CompareTest, BetterIsNoRegression) {
  LoadReport second = SampleReport();
  second.all.calls_per_second *= 10;
  second.all.latency.p50 /= 10;
  second.all.latency.p99 /= 10;
  EXPECT_FALSE(Regresses(second, 0));
}

TEST(CompareTest, GatesRateP50P99AndErrors) {
  const auto regresses = [](void (*change)(LoadReport & report)) {
    LoadReport second = SampleReport();
    change(second);
    return Regresses(second, 0.1);
  };
  EXPECT_FALSE(regresses([](LoadReport& r) { r.all.calls_per_second *= 0.91; }));
  EXPECT_TRUE(regresses([](LoadReport& r) { r.all.calls_per_second *= 0.89; }));
  EXPECT_FALSE(regresses([](LoadReport& r) { r.all.latency.p50 *= 1.09; }));
  EXPECT_TRUE(regresses([](LoadReport& r) { r.all.latency.p50 *= 1.11; }));
  EXPECT_TRUE(regresses([](LoadReport& r) { r.all.latency.p99 *= 1.11; }));
  EXPECT_FALSE(regresses([](LoadReport& r) { r.all.latency.max *= 5; }));
  // A bound of its own: 0.1 points.
  EXPECT_FALSE(regresses([](LoadReport& r) { r.all.errors += r.all.calls / 2000; }));
  EXPECT_TRUE(regresses([](LoadReport& r) { r.all.errors += r.all.calls / 500; }));
  EXPECT_TRUE(regresses([](LoadReport& r) { r.wrong = 1; }));
}

TEST(CompareTest, NamesTheFileThatIsNoReport) {
  const std::string good = ToJson(SampleReport());
  for (const char* const bad : {"", "{}", "[1]", "null", "{\"all\": 5}", "not JSON"}) {
    for (const bool first : {true, false}) {
      const auto comparison = CompareReports("a", first ? bad : good, "b", first ? good : bad, 0.1);
      ASSERT_EQ(comparison.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(comparison.status().message()),
                  HasSubstr(first ? "a is no report" : "b is no report"));
    }
  }
}

}  // namespace
}  // namespace maskd::maskload
