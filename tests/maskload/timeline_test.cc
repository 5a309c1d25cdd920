#include "client/maskload/timeline.h"

#include <gtest/gtest.h>

#include <chrono>

namespace maskd::maskload {
namespace {

using namespace std::chrono_literals;

TEST(TimelineTest, PutsATimeIntoItsSlice) {
  Timeline timeline(1s, 4);
  timeline.At(0s).bytes += 1;
  timeline.At(999ms).bytes += 2;
  timeline.At(3s).bytes += 4;
  ASSERT_EQ(timeline.slices().size(), 4u);
  EXPECT_EQ(timeline.slices()[0].bytes, 3);
  EXPECT_EQ(timeline.slices()[1].bytes, 0);
  EXPECT_EQ(timeline.slices()[3].bytes, 4);
}

TEST(TimelineTest, MergesSlicesRatherThanGrow) {
  Timeline timeline(1s, 4);
  for (int second = 0; second < 17; ++second) {
    TimeSlice& slice = timeline.At(second * 1s);
    slice.latency.Record(second * 1ns);
    slice.errors += 1;
    slice.bytes += 10;
  }
  EXPECT_EQ(timeline.slice_length(), 8s);
  ASSERT_EQ(timeline.slices().size(), 3u);
  EXPECT_EQ(timeline.slices()[0].latency.count(), 8);
  EXPECT_EQ(timeline.slices()[0].latency.max(), 7ns);
  EXPECT_EQ(timeline.slices()[1].latency.min(), 8ns);
  EXPECT_EQ(timeline.slices()[1].errors, 8);
  EXPECT_EQ(timeline.slices()[2].bytes, 10);
}

TEST(TimelineTest, TakesATimeFarAhead) {
  Timeline timeline(1ms, 2);
  timeline.At(0ms).errors = 1;
  timeline.At(1h).errors = 2;
  std::int64_t errors = 0;
  for (const TimeSlice& slice : timeline.slices()) errors += slice.errors;
  EXPECT_EQ(errors, 3);
  EXPECT_LE(timeline.slices().size(), 2u);
}

}  // namespace
}  // namespace maskd::maskload
