#include "client/maskload/shape_mix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace maskd::maskload {
namespace {

TEST(ShapeMixTest, ReadsSizesTypesAndWeights) {
  const auto mix = ShapeMix::Parse("64x196x768:bf16=9, 1x196x0=0.5");
  ASSERT_TRUE(mix.ok()) << mix.status();
  ASSERT_EQ(mix->shapes().size(), 2u);
  const BatchShape& first = mix->shapes()[0];
  EXPECT_EQ(first.label, "64x196x768:bf16");
  EXPECT_EQ(first.batch_size, 64);
  EXPECT_EQ(first.sequence_length, 196);
  EXPECT_EQ(first.token_dim, 768);
  EXPECT_EQ(first.element_bytes, 2);
  EXPECT_EQ(first.weight, 9);
  const BatchShape& second = mix->shapes()[1];
  EXPECT_EQ(second.token_dim, 0);
  EXPECT_EQ(second.element_bytes, 4);
  EXPECT_EQ(second.weight, 0.5);
}

TEST(ShapeMixTest, ReadsLinesOfAFile) {
  const auto mix = ShapeMix::Parse("# of a training\n2x8x4:f64=1\n\n  3x8x4  # the others\n");
  ASSERT_TRUE(mix.ok()) << mix.status();
  ASSERT_EQ(mix->shapes().size(), 2u);
  EXPECT_EQ(mix->shapes()[0].element_bytes, 8);
  EXPECT_EQ(mix->shapes()[1].batch_size, 3);
}

TEST(ShapeMixTest, LeavesTheTokensOutForMasksAlone) {
  const auto mix = ShapeMix::Parse("2x8x4", /*masks_alone=*/true);
  ASSERT_TRUE(mix.ok()) << mix.status();
  EXPECT_EQ(mix->shapes()[0].token_dim, 0);
}

TEST(ShapeMixTest, PicksByWeightAndTheSameEveryTime) {
  const auto mix = ShapeMix::Parse("1x1x1=7,2x1x1=2,3x1x1=1");
  ASSERT_TRUE(mix.ok()) << mix.status();
  std::vector<int> picks(3);
  for (int i = 0; i < 10'000; ++i) {
    const std::size_t pick = mix->Pick(i);
    ++picks[pick];
    EXPECT_EQ(pick, mix->Pick(i));
  }
  EXPECT_NEAR(picks[0], 7000, 150);
  EXPECT_NEAR(picks[1], 2000, 150);
  EXPECT_NEAR(picks[2], 1000, 150);
}

class BadMixTest : public ::testing::TestWithParam<const char*> {};

TEST_P(BadMixTest, NamesTheEntry) {
  const auto mix = ShapeMix::Parse(std::string("4x4x4,") + GetParam());
  EXPECT_EQ(mix.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(mix.status().message()), ::testing::HasSubstr(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Entries, BadMixTest,
                         ::testing::Values("1x2", "1x2x3x4", "ax2x3", "0x2x3", "1x0x3", "1x2x-3", "1x2x3:f31",
                                           "1x2x3:", "1x2x3=0", "1x2x3=-1", "1x2x3=nan", "1x2x3=inf",
                                           "1x2x3=", "1x2x3=1=2", "99999999999999999999x1x1"));

TEST(ShapeMixTest, NeedsABatch) {
  EXPECT_FALSE(ShapeMix::Parse("").ok());
  EXPECT_FALSE(ShapeMix::Parse(" ,\n# none\n").ok());
}

}  // namespace
}  // namespace maskd::maskload
