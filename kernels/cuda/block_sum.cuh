// Sums over the threads of a block.
#ifndef MASKD_KERNELS_CUDA_BLOCK_SUM_CUH_
#define MASKD_KERNELS_CUDA_BLOCK_SUM_CUH_

#include <cuda_runtime.h>

#include <cstdint>

namespace maskd {

inline constexpr unsigned kWarpSize = 32;
inline constexpr unsigned kWholeWarp = 0xffffffffu;

// Sum of `value` over the threads below this one, of at most 1024, whole warps. All
// threads of the block must call it, and synchronize before they call it again.
__device__ inline std::uint32_t BlockExclusiveSum(std::uint32_t value) {
  __shared__ std::uint32_t warp_sums[1024 / kWarpSize];
  const unsigned lane = threadIdx.x % kWarpSize;
  const unsigned warp = threadIdx.x / kWarpSize;
  std::uint32_t inclusive = value;
#pragma unroll
  for (unsigned distance = 1; distance < kWarpSize; distance *= 2) {
    const std::uint32_t below = __shfl_up_sync(kWholeWarp, inclusive, distance);
    if (lane >= distance) inclusive += below;
  }
  if (lane == kWarpSize - 1) warp_sums[warp] = inclusive;
  __syncthreads();
  std::uint32_t sum = inclusive - value;
  for (unsigned w = 0; w < warp; ++w) sum += warp_sums[w];
  return sum;
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_BLOCK_SUM_CUH_
