#include "kernels/keep_count.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

namespace maskd {
namespace {

struct KeepCountCase {
  const char* name;
  std::int64_t sequence_length;
  double mask_ratio;
  std::int64_t keep_trunc, mask_trunc, mask_ceil, keep_trunc_min_1;
};

std::ostream& operator<<(std::ostream& out, const KeepCountCase& c) { return out << c.name; }

// Computed with Python's floats; the first nine keep_trunc are those of
// docs/semantics.md, section 2.
constexpr KeepCountCase kCases[] = {
    {"Of100At80", 100, 0.8, 19, 20, 20, 19},
    {"Of100At90", 100, 0.9, 9, 10, 10, 9},
    {"Of50At90", 50, 0.9, 4, 5, 5, 4},
    {"Of225At80", 225, 0.8, 44, 45, 45, 44},
    {"Of320At80", 320, 0.8, 63, 64, 64, 63},
    {"Of400At90", 400, 0.9, 39, 40, 40, 39},
    {"VitBase", 196, 0.75, 49, 49, 49, 49},
    {"VideoMae", 1568, 0.9, 156, 157, 156, 156},
    {"KeepsNone", 10, 0.9, 0, 1, 1, 1},
    {"RatioZero", 196, 0.0, 196, 196, 196, 196},
    {"OneTokenRatioZero", 1, 0.0, 1, 1, 1, 1},
    {"OneTokenHalf", 1, 0.5, 0, 1, 0, 1},
    {"SimMim", 36, 0.6, 14, 15, 14, 14},
    {"SimMim144", 144, 0.6, 57, 58, 57, 57},
    {"AlmostAllRemoved", 10, 0.999, 0, 1, 0, 1},
    {"LongestSequence", 16777216, 0.9, 1677721, 1677722, 1677721, 1677721},
    {"AudioMae", 512, 0.8, 102, 103, 102, 102},
    {"ExactEighth", 8, 0.875, 1, 1, 1, 1},
};

class KeepCountTest : public ::testing::TestWithParam<KeepCountCase> {};

TEST_P(KeepCountTest, EveryRule) {
  const auto& [name, length, ratio, keep_trunc, mask_trunc, mask_ceil, keep_trunc_min_1] = GetParam();
  EXPECT_EQ(CountKept(length, ratio, KeepCountRule::kKeepTrunc), keep_trunc);
  EXPECT_EQ(CountKept(length, ratio, KeepCountRule::kMaskTrunc), mask_trunc);
  EXPECT_EQ(CountKept(length, ratio, KeepCountRule::kMaskCeil), mask_ceil);
  EXPECT_EQ(CountKept(length, ratio, KeepCountRule::kKeepTruncMin1), keep_trunc_min_1);
}

std::string CaseName(const ::testing::TestParamInfo<KeepCountCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Cases, KeepCountTest, ::testing::ValuesIn(kCases), CaseName);

TEST(KeepCountPropertyTest, RulesAreTheirDefinitions) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("random seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; ++i) {
    const auto length = static_cast<std::int64_t>(1 + random() % (std::uint64_t{2} << random() % 24));
    const double ratio = random() % 2 == 0 ? static_cast<double>(random() % 100) / 100
                                           : std::uniform_real_distribution<double>(0, 1)(random);
    SCOPED_TRACE("L " + std::to_string(length) + " r " + std::to_string(ratio));
    // volatile: each product is rounded to double before it is used.
    const volatile double kept = static_cast<double>(length) * (1.0 - ratio);
    const volatile double removed = ratio * static_cast<double>(length);
    const auto keep_trunc = static_cast<std::int64_t>(std::trunc(kept));
    ASSERT_EQ(CountKept(length, ratio, KeepCountRule::kKeepTrunc), keep_trunc);
    ASSERT_EQ(CountKept(length, ratio, KeepCountRule::kMaskTrunc),
              length - static_cast<std::int64_t>(std::trunc(removed)));
    ASSERT_EQ(CountKept(length, ratio, KeepCountRule::kMaskCeil),
              length - static_cast<std::int64_t>(std::ceil(removed)));
    ASSERT_EQ(CountKept(length, ratio, KeepCountRule::kKeepTruncMin1), std::max<std::int64_t>(1, keep_trunc));
  }
}

TEST(KeepCountPropertyTest, LiesBetweenZeroAndLengthAndFallsWithTheRatio) {
  for (const auto rule : {KeepCountRule::kKeepTrunc, KeepCountRule::kMaskTrunc, KeepCountRule::kMaskCeil,
                          KeepCountRule::kKeepTruncMin1}) {
    for (std::int64_t length = 1; length <= 400; ++length) {
      std::int64_t last = length;
      for (int step = 0; step < 100; ++step) {
        const std::int64_t kept = CountKept(length, step / 100.0, rule);
        ASSERT_GE(kept, 0) << length << " " << step;
        ASSERT_LE(kept, last) << length << " " << step;
        last = kept;
      }
      const std::int64_t least = CountKept(length, std::nextafter(1.0, 0.0), rule);
      ASSERT_GE(least, 0) << length;
      ASSERT_LE(least, 1) << length;
    }
  }
}

}  // namespace
}  // namespace maskd
