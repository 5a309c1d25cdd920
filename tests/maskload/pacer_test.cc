#include "client/maskload/pacer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace maskd::maskload {
namespace {

using namespace std::chrono_literals;

TEST(ClosedLoopTest, StartsWhenSomebodyIsFree) {
  const auto pacer = MakeClosedLoop();
  EXPECT_FALSE(pacer->open());
  for (const Nanos now : {0ns, 5ns, 5ns, 7ns}) EXPECT_EQ(pacer->Next(now), now);
}

TEST(ConstantPacerTest, KeepsTheScheduleWhateverTheTime) {
  const auto pacer = MakeConstantPacer(1000);
  EXPECT_TRUE(pacer->open());
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(pacer->Next(i % 2 == 0 ? 0s : 100s), i * 1ms);
}

// 1/3 s is no whole number of nanoseconds: the error of a call is not that of all
// before it.
TEST(ConstantPacerTest, DoesNotDrift) {
  const auto pacer = MakeConstantPacer(3);
  Nanos last{0};
  for (int i = 0; i <= 3'000'000; ++i) last = pacer->Next(0s);
  EXPECT_EQ(last, 1'000'000s);
}

TEST(PoissonPacerTest, IsTheSameForTheSameSeed) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  const auto first = MakePoissonPacer(100, seed);
  const auto second = MakePoissonPacer(100, seed);
  const auto other = MakePoissonPacer(100, seed + 1);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const Nanos time = first->Next(0s);
    EXPECT_EQ(time, second->Next(1s));
    differs |= time != other->Next(0s);
  }
  EXPECT_TRUE(differs);
}

// The schedule itself, so that it stays that of the seed: gaps are -ln(1 - u) / rate
// of the upper 53 bits of std::mt19937_64, which the standard fixes.
TEST(PoissonPacerTest, HasTheScheduleOfItsDefinition) {
  const auto pacer = MakePoissonPacer(50, 7);
  std::mt19937_64 random(7);
  long double time = 0;
  for (int i = 0; i < 1000; ++i) {
    const long double uniform = static_cast<long double>(random() >> 11) / 9007199254740992.0L;
    time -= std::log1p(-uniform) / 50 * 1e9L;
    EXPECT_NEAR(static_cast<double>(pacer->Next(0s).count()), static_cast<double>(time), 1);
  }
}

// Mean and standard deviation of exponential gaps are 1 / rate; the seed is fixed, so
// the bounds cannot be missed by chance.
TEST(PoissonPacerTest, HasExponentialGaps) {
  const auto pacer = MakePoissonPacer(1000, 42);
  constexpr int kGaps = 100'000;
  double sum = 0;
  double squares = 0;
  Nanos last{0};
  for (int i = 0; i < kGaps; ++i) {
    const Nanos time = pacer->Next(0s);
    const double gap = Seconds(time - last);
    EXPECT_GE(gap, 0);
    sum += gap;
    squares += gap * gap;
    last = time;
  }
  const double mean = sum / kGaps;
  EXPECT_NEAR(mean, 1e-3, 2e-5);
  EXPECT_NEAR(std::sqrt(squares / kGaps - mean * mean), 1e-3, 2e-5);
}

}  // namespace
}  // namespace maskd::maskload
