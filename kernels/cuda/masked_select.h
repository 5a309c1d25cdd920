// masked_select on the device.
#ifndef MASKD_KERNELS_CUDA_MASKED_SELECT_H_
#define MASKD_KERNELS_CUDA_MASKED_SELECT_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/strided_places.h"
#include "kernels/loss_plans.h"

namespace maskd {

// A mask over `count` elements: that of element i is at places.At(i).
struct DeviceMask {
  const std::byte* values;  // [mask_count] of type, in device memory, aligned to it
  BooleanType type;
  std::int64_t mask_count;
  std::int64_t count;
  StridedPlaces places;
};

// Each function enqueues its work on `stream`, and does not synchronize; what it
// takes is in device memory. Returns the error of a launch.

// *first_bad becomes the first place of the mask that is neither 0 nor 1, or -1.
cudaError_t LaunchCheckMask(const DeviceMask& mask, std::int64_t* first_bad, cudaStream_t stream);

// Elements are counted in tiles.
std::int64_t SelectTiles(std::int64_t count);

// tile_starts [SelectTiles(count) + 1] becomes the number of selected elements
// before each tile, and at last that of all.
cudaError_t GetCountSelectedScratchBytes(std::int64_t count, std::size_t* bytes);
cudaError_t LaunchCountSelected(const DeviceMask& mask, std::byte* scratch, std::size_t scratch_bytes,
                                std::int64_t* tile_starts, cudaStream_t stream);

// `selected` becomes the selected elements of `input` [count, element_bytes], in
// order, after LaunchCountSelected. Both are aligned to 16 bytes.
cudaError_t LaunchMaskedSelect(const DeviceMask& mask, const std::int64_t* tile_starts,
                               const std::byte* input, std::int64_t element_bytes, std::byte* selected,
                               cudaStream_t stream);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_MASKED_SELECT_H_
