#include "client/maskload/prometheus_text.h"

#include <gtest/gtest.h>

#include <cmath>

#include "client/maskload/server_metrics.h"

namespace maskd::maskload {
namespace {

std::vector<MetricSample> Parse(absl::string_view text) {
  const auto samples = ParsePrometheusText(text);
  EXPECT_TRUE(samples.ok()) << samples.status();
  return samples.value_or(std::vector<MetricSample>());
}

TEST(PrometheusTextTest, ReadsSamples) {
  const auto samples = Parse(
      "# HELP up Whether it is.\n# TYPE up gauge\nup 1\n"
      "calls_total{method=\"a b\",code=\"OK\",} 12 1700000000000\r\n"
      "odd{text=\"a\\\"b\\\\c\\nd,e}\"} +Inf\nnone NaN\nsmall 1.5e-3\n");
  ASSERT_EQ(samples.size(), 5u);
  EXPECT_EQ(samples[0].name, "up");
  EXPECT_TRUE(samples[0].labels.empty());
  EXPECT_EQ(samples[1].labels.at("method"), "a b");
  EXPECT_EQ(samples[1].labels.at("code"), "OK");
  EXPECT_EQ(samples[1].value, 12);
  EXPECT_EQ(samples[2].labels.at("text"), "a\"b\\c\nd,e}");
  EXPECT_TRUE(std::isinf(samples[2].value));
  EXPECT_TRUE(std::isnan(samples[3].value));
  EXPECT_DOUBLE_EQ(samples[4].value, 0.0015);
}

TEST(PrometheusTextTest, ReadsNothing) { EXPECT_TRUE(Parse("\n\n# a comment\n").empty()); }

class BadMetricsTest : public ::testing::TestWithParam<const char*> {};

TEST_P(BadMetricsTest, AreRefused) { EXPECT_FALSE(ParsePrometheusText(GetParam()).ok()); }

INSTANTIATE_TEST_SUITE_P(Lines, BadMetricsTest,
                         ::testing::Values("<html>", "up", "up one", "up{", "up{a=\"b\"", "up{a=b} 1",
                                           "up{a=\"b} 1", "{} 1", "up 1 2 3", "up{a=\"b\"}"));

constexpr char kBefore[] =
    "maskd_stage_seconds_sum{stage=\"gather\"} 1\nmaskd_stage_seconds_count{stage=\"gather\"} 10\n"
    "maskd_stage_seconds_sum{stage=\"send\"} 5\nmaskd_stage_seconds_count{stage=\"send\"} 10\n"
    "maskd_cores 4\nprocess_cpu_seconds_total 3\n";
constexpr char kAfter[] =
    "maskd_stage_seconds_bucket{stage=\"gather\",le=\"+Inf\"} 30\n"
    "maskd_stage_seconds_sum{stage=\"gather\"} 2.5\nmaskd_stage_seconds_count{stage=\"gather\"} 30\n"
    "maskd_stage_seconds_sum{stage=\"send\"} 5\nmaskd_stage_seconds_count{stage=\"send\"} 10\n"
    "maskd_stage_seconds_sum{stage=\"order\"} 0.5\nmaskd_stage_seconds_count{stage=\"order\"} 4\n"
    "other_sum{stage=\"gather\"} 9\nmaskd_cores 1.5\nprocess_cpu_seconds_total 4.5\n";

TEST(ServerMetricsTest, AreWhatWasAddedMeanwhile) {
  ServerMetrics before;
  before.Add(Parse(kBefore));
  ServerMetrics after;
  after.Add(Parse(kAfter));
  const std::optional<ServerMetrics> between = Between(before, after);
  ASSERT_TRUE(between.has_value());
  ASSERT_EQ(between->stages.size(), 2u);
  EXPECT_EQ(between->stages[0].name, "gather");
  EXPECT_DOUBLE_EQ(between->stages[0].seconds, 1.5);
  EXPECT_DOUBLE_EQ(between->stages[0].calls, 20);
  EXPECT_EQ(between->stages[1].name, "order");
  EXPECT_DOUBLE_EQ(between->stages[1].seconds, 0.5);
  ASSERT_TRUE(between->cpu_seconds.has_value());
  EXPECT_DOUBLE_EQ(*between->cpu_seconds, 1.5);
  EXPECT_EQ(between->cores, 1.5);
}

TEST(ServerMetricsTest, AreNotOfAServerThatWasStartedAgain) {
  for (const char* const fell : {"maskd_stage_seconds_count{stage=\"gather\"} 9\n",
                                 "process_cpu_seconds_total 2.9\n", "process_cpu_seconds_total 4\n"}) {
    ServerMetrics before;
    before.Add(Parse(kBefore));
    ServerMetrics after;
    after.Add(Parse(fell));
    EXPECT_FALSE(Between(before, after).has_value()) << fell;
  }
}

TEST(ServerMetricsTest, AreTheSumOfServers) {
  ServerMetrics metrics;
  metrics.Add(Parse(kBefore));
  ServerMetrics other;
  other.Add(Parse(kAfter));
  metrics.Add(other);
  EXPECT_DOUBLE_EQ(metrics.Stage("gather").calls, 40);
  EXPECT_DOUBLE_EQ(*metrics.cpu_seconds, 7.5);
  EXPECT_EQ(metrics.cores, 5.5);
}

TEST(ServerMetricsTest, NeedNotSayTheCpu) {
  ServerMetrics before;
  ServerMetrics after;
  after.Add(Parse(kAfter));
  EXPECT_FALSE(Between(before, after)->cpu_seconds.has_value());
}

}  // namespace
}  // namespace maskd::maskload
