#include "client/maskload/latency_recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <vector>

namespace maskd::maskload {
namespace {

using namespace std::chrono_literals;

TEST(LatencyRecorderTest, IsZeroWithoutTimes) {
  const LatencyRecorder recorder;
  EXPECT_EQ(recorder.count(), 0);
  EXPECT_EQ(recorder.Quantile(0.99), 0ns);
  EXPECT_EQ(recorder.max(), 0ns);
  EXPECT_EQ(recorder.mean_seconds(), 0);
}

TEST(LatencyRecorderTest, IsExactBelow512Nanoseconds) {
  LatencyRecorder recorder;
  for (int i = 0; i < 512; ++i) recorder.Record(Nanos(i));
  for (int rank = 1; rank <= 512; ++rank) EXPECT_EQ(recorder.AtRank(rank), Nanos(rank - 1));
}

TEST(LatencyRecorderTest, CountsANegativeTimeAsZero) {
  LatencyRecorder recorder;
  recorder.Record(-5ns);
  EXPECT_EQ(recorder.max(), 0ns);
  EXPECT_EQ(recorder.count(), 1);
}

// Times of all sizes, to 292 years.
std::vector<Nanos> RandomTimes(std::mt19937_64& random, int count) {
  std::vector<Nanos> times;
  for (int i = 0; i < count; ++i)
    times.emplace_back(static_cast<std::int64_t>(random() >> (1 + random() % 63)));
  return times;
}

TEST(LatencyRecorderTest, QuantilesHaveTheErrorThatIsPromised) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::vector<Nanos> times = RandomTimes(random, 10'000);
  LatencyRecorder recorder;
  for (const Nanos time : times) recorder.Record(time);
  std::ranges::sort(times);
  EXPECT_EQ(recorder.count(), std::ssize(times));
  EXPECT_EQ(recorder.min(), times.front());
  EXPECT_EQ(recorder.max(), times.back());
  for (std::int64_t rank = 1; rank <= std::ssize(times); ++rank) {
    const Nanos exact = times[static_cast<std::size_t>(rank - 1)];
    const Nanos recorded = recorder.AtRank(rank);
    ASSERT_GE(recorded, exact) << rank;
    ASSERT_LE(recorded - exact, exact / 256) << rank;
  }
}

TEST(LatencyRecorderTest, MergedIsAsIfRecordedInOne) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  LatencyRecorder parts[3];
  LatencyRecorder whole;
  // The last stays empty.
  for (int part = 0; part < 2; ++part) {
    for (const Nanos time : RandomTimes(random, 1 + static_cast<int>(random() % 1000))) {
      parts[part].Record(time);
      whole.Record(time);
    }
  }
  LatencyRecorder merged;
  for (const LatencyRecorder& part : parts) merged.Merge(part);
  EXPECT_EQ(merged.count(), whole.count());
  EXPECT_EQ(merged.min(), whole.min());
  EXPECT_EQ(merged.max(), whole.max());
  EXPECT_NEAR(merged.mean_seconds() / whole.mean_seconds(), 1, 1e-9);
  for (std::int64_t rank = 1; rank <= whole.count(); ++rank)
    ASSERT_EQ(merged.AtRank(rank), whole.AtRank(rank));
}

TEST(RankOfTest, IsTheLeastRankThatHasTheShare) {
  EXPECT_EQ(RankOf(0.5, 1), 1);
  EXPECT_EQ(RankOf(0, 10), 1);
  EXPECT_EQ(RankOf(0.5, 10), 5);
  EXPECT_EQ(RankOf(0.51, 10), 6);
  EXPECT_EQ(RankOf(1, 10), 10);
  // Not 100 and 1000, though 0.99 * 100 and 0.999 * 1000 are no doubles.
  EXPECT_EQ(RankOf(0.99, 100), 99);
  EXPECT_EQ(RankOf(0.999, 1000), 999);
  EXPECT_EQ(RankOf(1 - 0.001, 1000), 999);
}

}  // namespace
}  // namespace maskd::maskload
