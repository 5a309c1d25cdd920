#include "kernels/portable_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/tensor/random_source.h"

namespace maskd {
namespace {

constexpr double kDoubleInfinity = std::numeric_limits<double>::infinity();
constexpr double kSubnormal = std::numeric_limits<double>::denorm_min();

// Distance of `value` from `exact`, in units of its last place.
double Ulps(double value, long double exact) {
  const double magnitude = std::fabs(static_cast<double>(exact));
  const long double ulp = static_cast<long double>(std::nextafter(magnitude, kDoubleInfinity)) - magnitude;
  return static_cast<double>(std::fabs(static_cast<long double>(value) - exact) / ulp);
}

class PortableMathTest : public ::testing::Test {
 protected:
  // `count` numbers of [low, high), ascending.
  std::vector<double> Uniform(double low, double high, int count) {
    std::vector<double> values;
    for (int i = 0; i < count; ++i) {
      const auto draw = static_cast<double>(random_.Between(0, (std::int64_t{1} << 53) - 1));
      values.push_back(low + (high - low) * (draw * 0x1p-53));
    }
    std::sort(values.begin(), values.end());
    return values;
  }

  const std::uint64_t seed_ = FreshSeed();
  const ::testing::ScopedTrace trace_{__FILE__, __LINE__, "MASKD_TEST_SEED=" + std::to_string(seed_)};
  RandomSource random_{seed_};
};

TEST_F(PortableMathTest, ExpOfSpecialValues) {
  EXPECT_EQ(Exp(0.0), 1);
  EXPECT_EQ(Exp(-0.0), 1);
  EXPECT_EQ(Exp(kSubnormal), 1);
  EXPECT_EQ(Exp(kDoubleInfinity), kDoubleInfinity);
  EXPECT_EQ(Exp(-kDoubleInfinity), 0);
  EXPECT_EQ(BitsOfDouble(Exp(-std::nan("7"))), 0x7ff8000000000000u);
  // The largest argument that is finite, and the least that is not 0.
  EXPECT_EQ(Exp(0x1.62e42fefa39efp+9), 0x1.fffffffffff2ap+1023);
  EXPECT_EQ(Exp(0x1.62e42fefa39f0p+9), kDoubleInfinity);
  EXPECT_EQ(Exp(-0x1.74910d52d3051p+9), kSubnormal);
  EXPECT_EQ(Exp(-0x1.74910d52d3052p+9), 0);
  EXPECT_EQ(Exp(1e300), kDoubleInfinity);
  EXPECT_EQ(Exp(-1e300), 0);
}

TEST_F(PortableMathTest, LogOfSpecialValues) {
  EXPECT_EQ(BitsOfDouble(Log(1.0)), 0u);
  EXPECT_EQ(Log(0.0), -kDoubleInfinity);
  EXPECT_EQ(Log(-0.0), -kDoubleInfinity);
  EXPECT_EQ(Log(kDoubleInfinity), kDoubleInfinity);
  for (const double value : {-1.0, -kSubnormal, -kDoubleInfinity, -std::nan("7")})
    EXPECT_EQ(BitsOfDouble(Log(value)), 0x7ff8000000000000u) << value;
  EXPECT_LT(Ulps(Log(kSubnormal), std::log(static_cast<long double>(kSubnormal))), 1);
  EXPECT_LT(Ulps(Log(std::numeric_limits<double>::max()),
                 std::log(static_cast<long double>(std::numeric_limits<double>::max()))),
            1);
}

TEST_F(PortableMathTest, ExpIsWithinOneUlpAndMonotone) {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{
           {-745, 709.7}, {-745, -708}, {-30, 0}, {-1, 1}, {-1e-9, 1e-9}}) {
    double last = 0;
    for (const double x : Uniform(low, high, 200000)) {
      ASSERT_LT(Ulps(Exp(x), std::exp(static_cast<long double>(x))), 1) << x;
      ASSERT_GE(Exp(x), last) << x;
      last = Exp(x);
    }
  }
}

TEST_F(PortableMathTest, LogIsWithinOneUlpAndMonotone) {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{
           {0, 1}, {0.5, 2}, {0.65, 0.75}, {1.3, 1.5}, {1, 100000}, {0, 1e-307}, {1 - 1e-9, 1 + 1e-9}}) {
    double last = -kDoubleInfinity;
    for (const double x : Uniform(low, high, 200000)) {
      ASSERT_LT(Ulps(Log(x), std::log(static_cast<long double>(x))), 1) << x;
      ASSERT_GE(Log(x), last) << x;
      last = Log(x);
    }
  }
}

// Of all magnitudes, through the bits.
TEST_F(PortableMathTest, LogOfAllMagnitudes) {
  for (int i = 0; i < 500000; ++i) {
    const auto bits = static_cast<std::uint64_t>(random_.Between(1, 0x7fefffffffffffff));
    const double x = DoubleOfBits(bits);
    ASSERT_LT(Ulps(Log(x), std::log(static_cast<long double>(x))), 1) << x;
  }
}

}  // namespace
}  // namespace maskd
