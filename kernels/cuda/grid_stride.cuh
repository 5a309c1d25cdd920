// Loops over more elements than a grid has threads.
#ifndef MASKD_KERNELS_CUDA_GRID_STRIDE_CUH_
#define MASKD_KERNELS_CUDA_GRID_STRIDE_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "kernels/cuda/launch.cuh"

namespace maskd {

inline constexpr unsigned kStrideThreads = 256;
inline constexpr std::int64_t kMaxStrideBlocks = std::int64_t{1} << 20;

// The shape of a launch whose threads share `count` >= 1 elements.
inline LaunchShape StrideShape(std::int64_t count) {
  const std::int64_t blocks = std::min((count - 1) / kStrideThreads + 1, kMaxStrideBlocks);
  return {.grid = dim3(static_cast<unsigned>(blocks)), .block = dim3(kStrideThreads)};
}

// The elements of [0, count) that are this thread's.
class GridStride {
 public:
  __device__ explicit GridStride(std::int64_t count)
      : i_(std::int64_t{blockIdx.x} * kStrideThreads + threadIdx.x), count_(count) {}

  __device__ bool more() const { return i_ < count_; }
  __device__ std::int64_t i() const { return i_; }
  __device__ void Next() { i_ += std::int64_t{gridDim.x} * kStrideThreads; }

 private:
  std::int64_t i_;
  const std::int64_t count_;
};

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_GRID_STRIDE_CUH_
