#include "server/line_quota.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

namespace maskd {
namespace {

using std::chrono::milliseconds;

const LineQuota::Time kStart{std::chrono::hours(1)};

TEST(LineQuotaTest, LetsSoManyThroughInEachSecond) {
  LineQuota quota(2);
  EXPECT_EQ(quota.Take(kStart), 0);
  EXPECT_EQ(quota.Take(kStart + milliseconds(1)), 0);
  EXPECT_EQ(quota.Take(kStart + milliseconds(2)), std::nullopt);
  EXPECT_EQ(quota.Take(kStart + milliseconds(999)), std::nullopt);
  EXPECT_EQ(quota.Take(kStart + milliseconds(1000)), 2);
  EXPECT_EQ(quota.Take(kStart + milliseconds(1001)), 0);
  EXPECT_EQ(quota.Take(kStart + milliseconds(1002)), std::nullopt);
  EXPECT_EQ(quota.Take(kStart + milliseconds(9000)), 1);
}

TEST(LineQuotaTest, EveryLineIsLetThroughOrCounted) {
  LineQuota quota(10);
  std::atomic<std::int64_t> accounted = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const auto left_out = quota.Take(kStart);
        if (left_out.has_value()) accounted += 1 + *left_out;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  accounted += 1 + quota.Take(kStart + std::chrono::seconds(1)).value();
  EXPECT_EQ(accounted, 4001);
}

}  // namespace
}  // namespace maskd
