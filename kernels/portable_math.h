// exp and log with the same bits on every host and device: those of libm and of
// CUDA differ in the last place. Errors are below 1 ulp.
//
// Exact as long as the compiler contracts nothing to a fused multiply-add:
// kernels are built with -ffp-contract=off, and with --fmad=false by nvcc.
#ifndef MASKD_KERNELS_PORTABLE_MATH_H_
#define MASKD_KERNELS_PORTABLE_MATH_H_

#include <cstdint>

#include "kernels/float_bits.h"
#include "kernels/host_device.h"

namespace maskd {

inline constexpr std::uint64_t kInfinityBits = 0x7ff0000000000000u;

// ln 2 in two parts. The high one has 32 bits, so that its product with an
// exponent is exact.
inline constexpr double kLn2High = 0x1.62e42fefp-1;
inline constexpr double kLn2Low = 0x1.473de6af278edp-34;

// e^x. Without branches, so that compilers vectorize loops of it.
MASKD_HOST_DEVICE inline double Exp(double x) {
  constexpr double kHighest = 709.79;  // e^x is infinite
  constexpr double kLowest = -745.14;  // e^x is 0
  const double limited = x > kHighest ? kHighest : x < kLowest ? kLowest : x;
  // limited = exponent * ln 2 + rest, |rest| <= ln 2 / 2. The addition of kRound
  // rounds to an integer, which is then in the lowest bits.
  constexpr double kRound = 0x1.8p52;
  const double rounded = limited * 0x1.71547652b82fep+0 + kRound;
  const double exponent = rounded - kRound;
  const double high = limited - exponent * kLn2High;
  const double low = exponent * kLn2Low;
  const double rest = high - low;
  const double lost = (high - rest) - low;
  // The series of e^rest without its first two terms, over rest^2: 1/2!, 1/3!, ..
  // Even and odd terms apart, for the processor to work on both.
  const double square = rest * rest;
  double even = 1.0 / 479001600;
  even = even * square + 1.0 / 3628800;
  even = even * square + 1.0 / 40320;
  even = even * square + 1.0 / 720;
  even = even * square + 1.0 / 24;
  even = even * square + 0.5;
  double odd = 1.0 / 6227020800;
  odd = odd * square + 1.0 / 39916800;
  odd = odd * square + 1.0 / 362880;
  odd = odd * square + 1.0 / 5040;
  odd = odd * square + 1.0 / 120;
  odd = odd * square + 1.0 / 6;
  const double power = 1 + (rest + (square * (even + rest * odd) + lost));
  // 2^exponent in two factors: the result may be subnormal, and 2^1024 is no double.
  // 2048 more keep the bits of a negative exponent from the sign.
  const std::uint64_t biased = (BitsOfDouble(rounded) + 2048) & 0xfff;
  const std::uint64_t half = biased / 2;
  const double first = DoubleOfBits((half + 1023 - 1024) << 52);
  const double second = DoubleOfBits((biased - half + 1023 - 1024) << 52);
  return CanonicalNan(x > kHighest ? DoubleOfBits(kInfinityBits) : power * first * second);
}

// The natural logarithm.
MASKD_HOST_DEVICE inline double Log(double x) {
  if (x != x || x < 0) return DoubleOfBits(0x7ff8000000000000u);
  if (x == 0) return -DoubleOfBits(kInfinityBits);
  if (BitsOfDouble(x) == kInfinityBits) return x;
  int exponent = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    exponent = -54;
  }
  // x = 2^exponent * (1 + f), sqrt(1/2) < 1 + f <= sqrt(2).
  const std::uint64_t bits = BitsOfDouble(x);
  constexpr std::uint64_t kFraction = (std::uint64_t{1} << 52) - 1;
  exponent += static_cast<int>(bits >> 52) - 1023;
  double significand = DoubleOfBits((bits & kFraction) | std::uint64_t{1023} << 52);
  if (significand > 0x1.6a09e667f3bcdp+0) {
    significand *= 0.5;
    ++exponent;
  }
  const double f = significand - 1;
  // With s = f / (2 + f), ln(1 + f) = 2 atanh(s) = 2 s + s^3 (2/3 + 2/5 s^2 + ..).
  // 2 s = f - s f = f - h + s h, h being f^2 / 2: what is rounded is small beside f.
  const double s = f / (2 + f);
  const double square = s * s;
  double series = 2.0 / 21;
  series = series * square + 2.0 / 19;
  series = series * square + 2.0 / 17;
  series = series * square + 2.0 / 15;
  series = series * square + 2.0 / 13;
  series = series * square + 2.0 / 11;
  series = series * square + 2.0 / 9;
  series = series * square + 2.0 / 7;
  series = series * square + 2.0 / 5;
  series = series * square + 2.0 / 3;
  const double h = 0.5 * f * f;
  const double correction = exponent * kLn2Low - (h - s * (h + square * series));
  // exponent * ln 2 + f, and what rounding took of it.
  const double product = exponent * kLn2High;
  const double sum = product + f;
  const double lost = exponent == 0 ? 0 : (product - sum) + f;
  return sum + (lost + correction);
}

}  // namespace maskd

#endif  // MASKD_KERNELS_PORTABLE_MATH_H_
