#include <gtest/gtest.h>

#include <chrono>
#include <limits>

#include "client/maskload/format_figures.h"
#include "client/maskload/progress_line.h"
#include "client/maskload/svg_chart.h"

namespace maskd::maskload {
namespace {

using namespace std::chrono_literals;

TEST(FormatTest, Times) {
  EXPECT_EQ(FormatTime(0), "0 us");
  EXPECT_EQ(FormatTime(8.123e-6), "8.12 us");
  EXPECT_EQ(FormatTime(999.4e-6), "999 us");
  EXPECT_EQ(FormatTime(999.6e-6), "1.00 ms");
  EXPECT_EQ(FormatTime(0.08123), "81.2 ms");
  EXPECT_EQ(FormatTime(0.9999), "1.00 s");
  EXPECT_EQ(FormatTime(3600), "3,600 s");
  EXPECT_EQ(FormatTime(std::numeric_limits<double>::infinity()), "never");
}

TEST(FormatTest, NumbersAndBytes) {
  EXPECT_EQ(FormatNumber(0), "0");
  EXPECT_EQ(FormatNumber(9.994), "9.99");
  EXPECT_EQ(FormatNumber(9.996), "10.0");
  EXPECT_EQ(FormatNumber(99.96), "100");
  EXPECT_EQ(FormatNumber(-1234567), "-1,234,567");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(-100), "-100");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(999.6), "1.00 kB");
  EXPECT_EQ(FormatBytes(2.5e15), "2,500 TB");
  EXPECT_EQ(FormatPercent(0.0125), "1.25 %");
}

TEST(FormatTest, TableColumnsAreFlush) {
  EXPECT_EQ(FormatTable({{"", "a", "bbb"}, {"row", "10", ""}}), "      a  bbb\nrow  10\n");
}

TEST(ProgressTest, HasRateP99ErrorsBytesAndTimeLeft) {
  const CallTally::Glance before{.calls = 100, .errors = 0, .bytes = 1'000'000};
  const CallTally::Glance now{.calls = 700, .errors = 3, .bytes = 3'000'000, .p99 = 8120us};
  EXPECT_EQ(FormatProgress(before, now, 0.5, 2, {.duration = 10s}),
            "2.00 s   1,200 calls/s   p99 8.12 ms   3 errors   4.00 MB/s   8.00 s left");
  EXPECT_EQ(FormatProgress(before, now, 0.5, 2, {.count = 1903}),
            "2.00 s   1,200 calls/s   p99 8.12 ms   3 errors   4.00 MB/s   1.00 s left");
}

TEST(ProgressTest, SaysThatResultsAreWrong) {
  const CallTally::Glance now{.calls = 1, .wrong = 2};
  EXPECT_EQ(FormatProgress({}, now, 1, 1, {}),
            "1.00 s   1.00 calls/s   p99 0 us   0 errors   0 B/s   2 WRONG");
}

std::string Plain(double number) { return std::to_string(static_cast<int>(number)); }

std::string LabelsOf(const Axis& axis) {
  std::string labels;
  for (const Tick& tick : axis.ticks) labels += tick.label + " ";
  return labels;
}

TEST(AxisTest, LinearTicksAreRound) {
  EXPECT_EQ(LabelsOf(LinearAxis(97, 5, Plain)), "0 20 40 60 80 100 ");
  EXPECT_EQ(LinearAxis(97, 5, Plain).most, 100);
  EXPECT_EQ(LabelsOf(LinearAxis(3, 3, Plain)), "0 1 2 3 ");
  EXPECT_EQ(LinearAxis(0, 5, Plain).most, 1);
}

TEST(AxisTest, LogarithmicTicksAreFewEnough) {
  EXPECT_EQ(LabelsOf(LogAxis(3, 70, Plain)), "5 10 20 50 ");
  EXPECT_EQ(LabelsOf(LogAxis(3, 70'000, Plain)), "10 100 1000 10000 ");
  // Nothing has no place on it.
  EXPECT_GT(LogAxis(0, 0, Plain).most, LogAxis(0, 0, Plain).least);
}

}  // namespace
}  // namespace maskd::maskload
