// gather, scatter and scatter_add along a dim, on the device.
#ifndef MASKD_KERNELS_CUDA_MOVE_INDEXED_H_
#define MASKD_KERNELS_CUDA_MOVE_INDEXED_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/strided_places.h"
#include "kernels/loss_plans.h"
#include "kernels/masking_spec.h"

namespace maskd {

// An index into an input of `input_count` rows. Element i of the index is for row i
// of the moved array, and goes with row places.At(i) + index[i] * dim_stride of the
// input.
struct DeviceIndex {
  const std::byte* values;  // [index_count] of type, in device memory, aligned to it
  IdsType type;
  std::int64_t index_count;  // >= 1
  std::int64_t input_count;
  std::int64_t size_along_dim;
  std::int64_t dim_stride;
  StridedPlaces places;
  std::int64_t row_bytes;  // of the input and the moved array
};

// Each function enqueues its work on `stream`, and does not synchronize; what it
// takes is in device memory. Elements of the index that are out of range are passed
// over. Returns the error of a launch; errors while running surface at the next
// synchronization of `stream`.

// *first_bad becomes the first position of the index that is not in
// [0, size_along_dim), or -1.
cudaError_t LaunchCheckIndex(const DeviceIndex& index, std::int64_t* first_bad, cudaStream_t stream);

// Row i of `output` [index_count] becomes the row of `input` [input_count] that
// element i goes with.
cudaError_t LaunchGather(const DeviceIndex& index, const std::byte* input, std::byte* output,
                         cudaStream_t stream);

// The row of `output` [input_count] that element i goes with becomes row i of `src`
// [index_count]; of several i the last.
cudaError_t GetScatterScratchBytes(const DeviceIndex& index, std::size_t* bytes);
cudaError_t LaunchScatter(const DeviceIndex& index, const std::byte* src, std::byte* scratch,
                          std::size_t scratch_bytes, std::byte* output, cudaStream_t stream);

// The row of numbers of `output` that element i goes with is added row i of `src`,
// in ascending i; float16 and bfloat16 in float32, rounded once at the end. NaN is
// canonical. By a stable radix sort of the places; a thread adds up a place.
cudaError_t GetScatterAddScratchBytes(const DeviceIndex& index, std::size_t* bytes);
cudaError_t LaunchScatterAdd(const DeviceIndex& index, FloatType type, const std::byte* src,
                             std::byte* scratch, std::size_t scratch_bytes, std::byte* output,
                             cudaStream_t stream);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_MOVE_INDEXED_H_
