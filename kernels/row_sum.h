// Sums over a row in one fixed order that is fast on host and device.
//
// Term i goes to lane i % 32. Each lane adds its terms in ascending order; then
// lane l < 16 adds lane l + 16, lane l < 8 lane l + 8, and so on to lane 0. On the
// device the lanes are the threads of a warp, all 32 of which have to call; all
// get the result.
#ifndef MASKD_KERNELS_ROW_SUM_H_
#define MASKD_KERNELS_ROW_SUM_H_

#include <cmath>
#include <cstdint>

#include "kernels/host_device.h"

namespace maskd {

inline constexpr int kRowLanes = 32;

// The sum of term(i), a double, over i in [0, size).
template <typename Term>
MASKD_HOST_DEVICE double RowSum(std::int64_t size, const Term& term) {
#ifdef __CUDA_ARCH__
  double sum = 0;
  for (std::int64_t i = threadIdx.x % kRowLanes; i < size; i += kRowLanes) sum += term(i);
  // a + b is b + a, so the mirrored half of the tree has the same bits.
  for (int lane = kRowLanes / 2; lane > 0; lane /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, lane);
  return sum;
#else
  double sums[kRowLanes] = {};
  std::int64_t first = 0;
  for (; first + kRowLanes <= size; first += kRowLanes) {
    for (int lane = 0; lane < kRowLanes; ++lane) sums[lane] += term(first + lane);
  }
  for (std::int64_t i = first; i < size; ++i) sums[i - first] += term(i);
  for (int half = kRowLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  return sums[0];
#endif
}

// The largest term, -infinity if there is none. NaN is passed over.
template <typename Term>
MASKD_HOST_DEVICE double RowMax(std::int64_t size, const Term& term) {
#ifdef __CUDA_ARCH__
  double max = -HUGE_VAL;
  for (std::int64_t i = threadIdx.x % kRowLanes; i < size; i += kRowLanes) {
    const double value = term(i);
    max = value > max ? value : max;
  }
  for (int lane = kRowLanes / 2; lane > 0; lane /= 2) {
    const double value = __shfl_xor_sync(0xffffffffu, max, lane);
    max = value > max ? value : max;
  }
  return max;
#else
  double maxima[kRowLanes];
  for (double& max : maxima) max = -HUGE_VAL;
  const auto take = [&](std::int64_t lane, double value) {
    maxima[lane] = value > maxima[lane] ? value : maxima[lane];
  };
  std::int64_t first = 0;
  for (; first + kRowLanes <= size; first += kRowLanes) {
    for (int lane = 0; lane < kRowLanes; ++lane) take(lane, term(first + lane));
  }
  for (std::int64_t i = first; i < size; ++i) take(i - first, term(i));
  for (int lane = 1; lane < kRowLanes; ++lane) take(0, maxima[lane]);
  return maxima[0];
#endif
}

}  // namespace maskd

#endif  // MASKD_KERNELS_ROW_SUM_H_
