// What an element of an index goes with.
#ifndef MASKD_KERNELS_CUDA_INDEX_PLACE_CUH_
#define MASKD_KERNELS_CUDA_INDEX_PLACE_CUH_

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/move_indexed.h"
#include "kernels/load_element.h"

namespace maskd {

// The row of the input for element i of the index; -1 if it is out of range.
__device__ inline std::int64_t PlaceOf(const DeviceIndex& index, std::int64_t i) {
  const std::int64_t value = LoadId(index.type, index.values, i);
  if (value < 0 || value >= index.size_along_dim) return -1;
  return index.places.At(i) + value * index.dim_stride;
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_INDEX_PLACE_CUH_
