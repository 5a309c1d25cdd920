// How samples are shared out, and batches cut.
#include "client/batch_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <vector>

namespace maskd {
namespace {

using ::testing::ElementsAre;

TEST(ShareOutTest, BySpeed) {
  EXPECT_THAT(ShareOut(12, 1, std::vector<double>{1, 1}), ElementsAre(6, 6));
  EXPECT_THAT(ShareOut(12, 1, std::vector<double>{1, 3, 2}), ElementsAre(2, 6, 4));
  EXPECT_THAT(ShareOut(7, 1, std::vector<double>{5}), ElementsAre(7));
}

TEST(ShareOutTest, NoneWhoWouldHaveTooFew) {
  EXPECT_THAT(ShareOut(12, 4, std::vector<double>{1, 3, 2}), ElementsAre(0, 7, 5));
  EXPECT_THAT(ShareOut(12, 8, std::vector<double>{1, 3, 2}), ElementsAre(0, 12, 0));
  EXPECT_THAT(ShareOut(12, 100, std::vector<double>{2, 2, 2}), ElementsAre(12, 0, 0));
  EXPECT_THAT(ShareOut(2, 1, std::vector<double>{1, 1, 1, 1}), ElementsAre(1, 1, 0, 0));
}

TEST(ShareOutTest, NoneWhoDoesNotMove) {
  EXPECT_THAT(ShareOut(12, 0, std::vector<double>{0, 1, 0, 2}), ElementsAre(0, 4, 0, 8));
  EXPECT_THAT(ShareOut(3, 100, std::vector<double>{0, 1}), ElementsAre(0, 3));
}

TEST(ShareOutTest, AnySpeedsShareEverySample) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 1000; ++i) {
    std::vector<double> speeds(1 + random() % 9);
    for (double& speed : speeds)
      speed = 1e-3 + static_cast<double>(random()) * (random() % 2 == 0 ? 1e-9 : 1e3);
    const std::int64_t batch_size = 1 + random() % 1000;
    const std::int64_t least = random() % 50;
    const std::vector<std::int64_t> shares = ShareOut(batch_size, least, speeds);
    ASSERT_EQ(shares.size(), speeds.size());
    EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), std::int64_t{0}), batch_size);
    for (const std::int64_t share : shares)
      EXPECT_TRUE(share == 0 || share >= std::min(least, batch_size) - 1);
  }
}

}  // namespace
}  // namespace maskd
