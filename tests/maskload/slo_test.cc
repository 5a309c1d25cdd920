#include "client/maskload/slo.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <string>

namespace maskd::maskload {
namespace {

using namespace std::chrono_literals;

Slo SloOf(const std::string& text) {
  const auto slo = ParseSlo(text);
  EXPECT_TRUE(slo.ok()) << slo.status();
  return slo.value_or(Slo());
}

// Latencies of 1 ms, 2 ms, ... `count` ms.
CallGroup Calls(int count, int errors) {
  CallGroup calls;
  for (int i = 1; i <= count; ++i) calls.latency.Record(i * 1ms);
  calls.errors = errors;
  return calls;
}

TEST(SloTest, ReadsObjectives) {
  EXPECT_DOUBLE_EQ(SloOf("p99<20ms").quantile, 0.99);
  EXPECT_DOUBLE_EQ(SloOf("p99<20ms").bound, 0.02);
  EXPECT_DOUBLE_EQ(SloOf("p99.9<1.5s").quantile, 0.999);
  EXPECT_DOUBLE_EQ(SloOf("p50<200us").bound, 200e-6);
  EXPECT_DOUBLE_EQ(SloOf("max<2").quantile, 1);
  EXPECT_TRUE(SloOf("errors<0.1%").of_errors);
  EXPECT_DOUBLE_EQ(SloOf("errors<0.1%").bound, 0.001);
}

class BadSloTest : public ::testing::TestWithParam<const char*> {};

TEST_P(BadSloTest, IsRefused) {
  EXPECT_EQ(ParseSlo(GetParam()).status().code(), absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Texts, BadSloTest,
                         ::testing::Values("", "p99", "p99<", "<20ms", "p0<1s", "p101<1s", "pxx<1s",
                                           "p99<0ms", "p99<-1s", "p99>20ms", "p99<1s<2s", "errors<1",
                                           "errors<0%", "errors<101%", "p99<nan", "p99<inf", "rate<5"));

TEST(SloTest, JudgesByTheLatency) {
  EXPECT_TRUE(Judge(SloOf("p50<51ms"), Calls(100, 0), 0).met);
  EXPECT_FALSE(Judge(SloOf("p50<50ms"), Calls(100, 0), 0).met);
  EXPECT_NEAR(Judge(SloOf("p99<1s"), Calls(100, 0), 0).value, 0.099, 0.0005);
}

TEST(SloTest, CallsThatFailedOrNeverBeganAreLate) {
  const CallGroup good = Calls(990, 0);
  EXPECT_TRUE(Judge(SloOf("p99<2s"), good, 0).met);
  // The 990 of 1,000 are exactly the share that may not be late.
  EXPECT_TRUE(Judge(SloOf("p99<2s"), good, 10).met);
  EXPECT_FALSE(Judge(SloOf("p99<2s"), good, 11).met);
  EXPECT_FALSE(Judge(SloOf("p99<2s"), Calls(990, 11), 0).met);
  EXPECT_TRUE(std::isinf(Judge(SloOf("p99<2s"), Calls(990, 11), 0).value));
  EXPECT_FALSE(Judge(SloOf("max<2s"), Calls(990, 1), 0).met);
}

TEST(SloTest, JudgesByTheErrors) {
  EXPECT_TRUE(Judge(SloOf("errors<2%"), Calls(99, 1), 0).met);
  EXPECT_FALSE(Judge(SloOf("errors<1%"), Calls(99, 1), 0).met);
  EXPECT_DOUBLE_EQ(Judge(SloOf("errors<1%"), Calls(99, 1), 0).value, 0.01);
}

TEST(SloTest, NoCallMeetsNone) {
  EXPECT_FALSE(Judge(SloOf("p99<2s"), Calls(0, 0), 0).met);
  EXPECT_FALSE(Judge(SloOf("errors<100%"), Calls(0, 0), 0).met);
  EXPECT_FALSE(Judge(SloOf("p50<2s"), Calls(0, 5), 0).met);
}

TEST(ParseSecondsTest, ReadsTimes) {
  EXPECT_DOUBLE_EQ(*ParseSeconds("250ms"), 0.25);
  EXPECT_DOUBLE_EQ(*ParseSeconds("2m"), 120);
  EXPECT_DOUBLE_EQ(*ParseSeconds("1.5"), 1.5);
  for (const char* const text : {"", "0", "0s", "-1s", "x", "10 parsecs", "inf", "nan", "1e30", "9000h"})
    EXPECT_FALSE(ParseSeconds(text).ok()) << text;
}

}  // namespace
}  // namespace maskd::maskload
