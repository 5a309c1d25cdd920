#include "kernels/float_types.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace maskd {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The value of bits with `fraction_bits` of fraction, as IEEE 754 defines it.
double ValueOf(std::uint32_t bits, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = int(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const double fraction = std::ldexp(bits & ((1u << fraction_bits) - 1), -fraction_bits);
  const double sign = (bits >> (exponent_bits + fraction_bits)) != 0 ? -1 : 1;
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias);
  if (exponent < (1 << exponent_bits) - 1) return sign * std::ldexp(1 + fraction, exponent - bias);
  if (fraction == 0) return sign * std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

struct NarrowType {
  std::string name;
  int exponent_bits;
  int fraction_bits;
  float (*to_float)(std::uint16_t);
  std::uint16_t (*of_float)(float);

  double Value(std::uint32_t bits) const { return ValueOf(bits, exponent_bits, fraction_bits); }
  std::uint16_t infinity() const { return static_cast<std::uint16_t>(0x7fff & (0xffff << fraction_bits)); }

  friend std::ostream& operator<<(std::ostream& out, const NarrowType& type) { return out << type.name; }
};

class NarrowTypeTest : public ::testing::TestWithParam<NarrowType> {};

TEST_P(NarrowTypeTest, AllBitsHaveTheirValue) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const double expected = GetParam().Value(bits);
    const auto value = static_cast<double>(GetParam().to_float(static_cast<std::uint16_t>(bits)));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
    } else {
      ASSERT_EQ(value, expected) << bits;
    }
    ASSERT_EQ(std::signbit(value), bits >= 0x8000) << bits;
  }
}

TEST_P(NarrowTypeTest, AllBitsReturn) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto narrow = static_cast<std::uint16_t>(bits);
    const std::uint16_t returned = GetParam().of_float(GetParam().to_float(narrow));
    if (std::isnan(GetParam().Value(bits))) {
      // Quiet then, with the rest of its payload.
      ASSERT_EQ(returned, narrow | 1u << (GetParam().fraction_bits - 1)) << bits;
    } else {
      ASSERT_EQ(returned, narrow) << bits;
    }
  }
}

// Between any two neighbours: what is nearer to one becomes it, and what is in the
// middle the even one. The largest finite has infinity, where 2^16 or 2^128 would
// be, for a neighbour.
TEST_P(NarrowTypeTest, RoundsToNearestTiesToEven) {
  for (std::uint32_t low = 0; low < GetParam().infinity(); ++low) {
    const double below = GetParam().Value(low);
    const double gap = below - (low == 0 ? -GetParam().Value(1) : GetParam().Value(low - 1));
    const double above = low + 1u == GetParam().infinity() ? below + gap : GetParam().Value(low + 1);
    const auto middle = static_cast<float>((below + above) / 2);
    ASSERT_EQ(static_cast<double>(middle), (below + above) / 2);
    const std::uint32_t even = low % 2 == 0 ? low : low + 1;
    for (const std::uint32_t sign : {0u, 0x8000u}) {
      const auto signed_float = [&](float magnitude) { return sign == 0 ? magnitude : -magnitude; };
      ASSERT_EQ(GetParam().of_float(signed_float(middle)), sign | even) << low;
      ASSERT_EQ(GetParam().of_float(signed_float(std::nextafter(middle, 0.0f))), sign | low) << low;
      ASSERT_EQ(GetParam().of_float(signed_float(std::nextafter(middle, kInfinity))), sign | (low + 1))
          << low;
    }
  }
}

TEST_P(NarrowTypeTest, NanStaysOne) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("random seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<std::uint32_t> all = {0x7f800001, 0x7f801fff, 0x7f80ffff, 0x7fc00000, 0x7fffffff};
  for (int i = 0; i < 1000; ++i) all.push_back(0x7f800001u + static_cast<std::uint32_t>(random() % 0x7fffff));
  for (const std::uint32_t bits : all) {
    for (const std::uint32_t sign : {0u, 0x80000000u}) {
      const std::uint16_t narrow = GetParam().of_float(std::bit_cast<float>(bits | sign));
      ASSERT_GT(narrow & 0x7fff, GetParam().infinity()) << bits;
      ASSERT_EQ(narrow >> 15, sign >> 31) << bits;
    }
  }
}

TEST_P(NarrowTypeTest, LargestFloatsBecomeInfinity) {
  for (const float value : {kInfinity, std::numeric_limits<float>::max()}) {
    EXPECT_EQ(GetParam().of_float(value), GetParam().infinity());
    EXPECT_EQ(GetParam().of_float(-value), 0x8000 | GetParam().infinity());
  }
}

INSTANTIATE_TEST_SUITE_P(Types, NarrowTypeTest,
                         ::testing::Values(NarrowType{"Float16", 5, 10, &FloatOfHalf, &HalfOfFloat},
                                           NarrowType{"Bfloat16", 8, 7, &FloatOfBfloat16, &Bfloat16OfFloat}),
                         [](const ::testing::TestParamInfo<NarrowType>& type) { return type.param.name; });

TEST(FloatTypesTest, KnownValues) {
  EXPECT_EQ(FloatOfHalf(0x3c00), 1.0f);
  EXPECT_EQ(FloatOfHalf(0x7bff), 65504.0f);
  EXPECT_EQ(FloatOfHalf(0x0001), 0x1p-24f);
  EXPECT_EQ(HalfOfFloat(65519.996f), 0x7bff);
  EXPECT_EQ(HalfOfFloat(65520.0f), 0x7c00);
  EXPECT_EQ(HalfOfFloat(0x1p-25f), 0x0000);
  EXPECT_EQ(HalfOfFloat(0x1.000002p-25f), 0x0001);
  EXPECT_EQ(HalfOfFloat(-0.0f), 0x8000);
  EXPECT_EQ(HalfOfFloat(std::numeric_limits<float>::denorm_min()), 0x0000);
  EXPECT_EQ(FloatOfBfloat16(0x3f80), 1.0f);
  EXPECT_EQ(Bfloat16OfFloat(1.00390625f), 0x3f80);  // 1 + 2^-8, a tie
  EXPECT_EQ(Bfloat16OfFloat(1.01171875f), 0x3f82);  // 1 + 3 * 2^-8, a tie
}

TEST(FloatTypesTest, LoadFloatTakesTheElement) {
  const auto load = [](FloatType type, const auto& values, std::int64_t i) {
    return LoadFloat(type, reinterpret_cast<const std::byte*>(values.data()), i);
  };
  EXPECT_EQ(load(FloatType::kFloat32, std::vector<float>{1, 0.1f, 3}, 1), static_cast<double>(0.1f));
  EXPECT_EQ(load(FloatType::kFloat64, std::vector<double>{1, 2, 0.1}, 2), 0.1);
  EXPECT_EQ(load(FloatType::kFloat16, std::vector<std::uint16_t>{0, 0xc000}, 1), -2);
  EXPECT_EQ(load(FloatType::kBfloat16, std::vector<std::uint16_t>{0x4049, 0}, 0), 3.140625);
}

}  // namespace
}  // namespace maskd
