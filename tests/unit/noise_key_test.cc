#include "kernels/noise_key.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace maskd {
namespace {

// Bits of every kind of float32, and random ones.
std::vector<std::uint32_t> InterestingBits(std::uint64_t seed) {
  std::vector<std::uint32_t> bits = {0x00000000, 0x00000001, 0x007fffff, 0x00800000, 0x3f7fffff, 0x3f800000,
                                     0x3f800001, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fbfffff, 0x7fc00000,
                                     0x7fc00001, 0x7fffffff, 0x33800000, 0x4b7fffff};
  for (std::size_t i = 0; i < 16; ++i) bits.push_back(bits[i] | 0x80000000u);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 500; ++i) bits.push_back(static_cast<std::uint32_t>(random()));
  return bits;
}

// The order of docs/semantics.md, section 1: NaN last, all of them equal; -0
// equals +0.
int Compare(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return int{std::isnan(a)} - int{std::isnan(b)};
  return a < b ? -1 : a > b ? 1 : 0;
}

TEST(KeyOfNoiseBitsTest, OrdersAsTheNoiseDoes) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("random seed " + std::to_string(seed));
  const std::vector<std::uint32_t> all = InterestingBits(seed);
  for (const std::uint32_t a : all) {
    for (const std::uint32_t b : all) {
      const std::uint32_t key_a = KeyOfNoiseBits(a);
      const std::uint32_t key_b = KeyOfNoiseBits(b);
      const int by_key = key_a < key_b ? -1 : key_a > key_b ? 1 : 0;
      ASSERT_EQ(by_key, Compare(FloatOfBits(a), FloatOfBits(b))) << std::hex << a << " and " << b;
    }
  }
}

TEST(NoiseOfDrawTest, IsExactAndBelowOne) {
  EXPECT_EQ(NoiseOfDraw(0), 0.0f);
  EXPECT_EQ(NoiseOfDraw(1), 0x1p-24f);
  EXPECT_EQ(NoiseOfDraw(0x800000), 0.5f);
  EXPECT_EQ(NoiseOfDraw(0xffffff), 1 - 0x1p-24f);
  for (std::uint32_t draw = 0; draw < 1u << 24; draw += 997) {
    ASSERT_EQ(static_cast<double>(NoiseOfDraw(draw)), std::ldexp(static_cast<double>(draw), -24)) << draw;
  }
}

TEST(BitsOfFloatTest, RoundTrips) {
  EXPECT_EQ(BitsOfFloat(1.0f), 0x3f800000u);
  EXPECT_EQ(BitsOfFloat(-0.0f), 0x80000000u);
  EXPECT_EQ(FloatOfBits(0x3f800000u), 1.0f);
}

TEST(EffectiveNoiseBitsTest, ScaleZeroAscendingTakesTheBitsAsTheyAre) {
  for (const std::uint32_t bits : InterestingBits(1)) {
    ASSERT_EQ(EffectiveNoiseBits(bits, 0.0f, 0xffffff, false), bits);
    ASSERT_EQ(EffectiveNoiseBits(bits, -0.0f, 0xffffff, false), bits);
  }
}

TEST(EffectiveNoiseBitsTest, DescendingReversesTheOrderOfNumbersAndKeepsNanLast) {
  for (const std::uint32_t a : InterestingBits(2)) {
    for (const std::uint32_t b : InterestingBits(3)) {
      const float high = FloatOfBits(EffectiveNoiseBits(a, 0, 0, true));
      const float low = FloatOfBits(EffectiveNoiseBits(b, 0, 0, true));
      ASSERT_EQ(Compare(high, low), Compare(-FloatOfBits(a), -FloatOfBits(b)))
          << std::hex << a << " and " << b;
    }
  }
}

TEST(EffectiveNoiseBitsTest, MixesInFloat32) {
  EXPECT_EQ(FloatOfBits(EffectiveNoiseBits(BitsOfFloat(1.0f), 2.0f, 0x800000, false)), 2.0f);
  EXPECT_EQ(FloatOfBits(EffectiveNoiseBits(BitsOfFloat(1.0f), 2.0f, 0x800000, true)), -2.0f);
  // The product is rounded before the sum: fused, these differ in the last bit.
  const float scale = 0.1f;
  int fused_differs = 0;
  for (std::uint32_t draw = 1; draw < 1u << 24; draw += 9973) {
    const float noise = -scale * NoiseOfDraw(draw ^ 0x5555);
    const volatile float product = scale * NoiseOfDraw(draw);
    const float expected = noise + product;
    ASSERT_EQ(FloatOfBits(EffectiveNoiseBits(BitsOfFloat(noise), scale, draw, false)), expected) << draw;
    fused_differs += std::fma(scale, NoiseOfDraw(draw), noise) != expected;
  }
  EXPECT_GT(fused_differs, 0) << "the values above cannot tell a fused multiply-add";
}

TEST(EffectiveNoiseBitsTest, NanOfASumIsCanonical) {
  const std::uint32_t nan = 0xff800001u;
  EXPECT_EQ(EffectiveNoiseBits(nan, 1.0f, 5, false), 0x7fc00000u);
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(EffectiveNoiseBits(BitsOfFloat(infinity), 1.0f, 5, false), BitsOfFloat(infinity));
}

}  // namespace
}  // namespace maskd
