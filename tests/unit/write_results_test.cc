#include "kernels/cpu/write_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "kernels/cpu/rank_keys.h"

namespace maskd {
namespace {

using ::testing::ElementsAre;

TEST(OrderKeptByIndexTest, SortsKeptAndLeavesRemoved) {
  std::vector<std::uint32_t> ids_shuffle = {4, 1, 3, 5, 0, 2};
  std::vector<std::uint32_t> ids_restore = {4, 1, 5, 2, 0, 3};
  OrderKeptByIndex(3, ids_shuffle, ids_restore);
  EXPECT_THAT(ids_shuffle, ElementsAre(1, 3, 4, 5, 0, 2));
  EXPECT_THAT(ids_restore, ElementsAre(4, 0, 5, 1, 2, 3));
}

TEST(OrderKeptByIndexTest, AnyCount) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE("random seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const std::int64_t num_keep : {0, 1, 2, 50, 99, 100}) {
    std::vector<std::uint32_t> ids_shuffle(100);
    std::iota(ids_shuffle.begin(), ids_shuffle.end(), 0u);
    std::shuffle(ids_shuffle.begin(), ids_shuffle.end(), random);
    std::vector<std::uint32_t> ids_restore(100);
    for (std::uint32_t rank = 0; rank < 100; ++rank) ids_restore[ids_shuffle[rank]] = rank;
    std::vector<std::uint32_t> expected = ids_shuffle;
    std::sort(expected.begin(), expected.begin() + num_keep);
    OrderKeptByIndex(num_keep, ids_shuffle, ids_restore);
    EXPECT_EQ(ids_shuffle, expected) << "K " << num_keep;
    for (std::uint32_t rank = 0; rank < 100; ++rank) EXPECT_EQ(ids_restore[expected[rank]], rank);
  }
}

}  // namespace
}  // namespace maskd
