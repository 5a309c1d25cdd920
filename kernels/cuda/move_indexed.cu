#include "kernels/cuda/move_indexed.h"

#include <cstdint>

#include "kernels/cuda/copy_rows.cuh"
#include "kernels/cuda/grid_stride.cuh"
#include "kernels/cuda/index_place.cuh"
#include "kernels/cuda/note_first.cuh"

namespace maskd {
namespace {

__global__ void __launch_bounds__(kStrideThreads)
    NoteOutOfRange(const DeviceIndex index, std::int64_t* first_bad) {
  for (GridStride at(index.index_count); at.more(); at.Next()) {
    const std::int64_t value = LoadId(index.type, index.values, at.i());
    if (value < 0 || value >= index.size_along_dim) NoteFirst(first_bad, at.i());
  }
}

struct GatheredRow {
  DeviceIndex index;

  __device__ std::int64_t operator()(std::int64_t row) const {
    const std::int64_t place = PlaceOf(index, row);
    return place >= 0 ? place : kLeaveRow;
  }
};

__global__ void __launch_bounds__(kStrideThreads)
    FindLastWriters(const DeviceIndex index, std::int64_t* last_writers) {
  for (GridStride at(index.index_count); at.more(); at.Next()) {
    const std::int64_t place = PlaceOf(index, at.i());
    if (place >= 0) {
      // -1, of a place without a writer, is the least with a sign.
      atomicMax(reinterpret_cast<long long*>(&last_writers[place]), static_cast<long long>(at.i()));
    }
  }
}

struct ScatteredRow {
  const std::int64_t* last_writers;

  __device__ std::int64_t operator()(std::int64_t row) const {
    const std::int64_t writer = last_writers[row];
    return writer >= 0 ? writer : kLeaveRow;
  }
};

}  // namespace

cudaError_t LaunchCheckIndex(const DeviceIndex& index, std::int64_t* first_bad, cudaStream_t stream) {
  if (const cudaError_t error = ClearFirst(first_bad, stream); error != cudaSuccess) return error;
  return Launch(StrideShape(index.index_count), stream, NoteOutOfRange, index, first_bad);
}

cudaError_t LaunchGather(const DeviceIndex& index, const std::byte* input, std::byte* output,
                         cudaStream_t stream) {
  const CopyRows copy = {.source = input,
                         .fill = nullptr,
                         .destination = output,
                         .rows = index.index_count,
                         .row_bytes = index.row_bytes};
  return LaunchCopyRows(copy, GatheredRow{index}, stream);
}

cudaError_t GetScatterScratchBytes(const DeviceIndex& index, std::size_t* bytes) {
  *bytes = static_cast<std::size_t>(index.input_count) * sizeof(std::int64_t);
  return cudaSuccess;
}

cudaError_t LaunchScatter(const DeviceIndex& index, const std::byte* src, std::byte* scratch,
                          std::size_t scratch_bytes, std::byte* output, cudaStream_t stream) {
  const std::size_t bytes = static_cast<std::size_t>(index.input_count) * sizeof(std::int64_t);
  if (scratch_bytes < bytes) return cudaErrorInvalidValue;
  std::int64_t* const last_writers = reinterpret_cast<std::int64_t*>(scratch);  // [input_count]
  if (const cudaError_t error = cudaMemsetAsync(last_writers, 0xff, bytes, stream); error != cudaSuccess)
    return error;
  if (const cudaError_t error =
          Launch(StrideShape(index.index_count), stream, FindLastWriters, index, last_writers);
      error != cudaSuccess) {
    return error;
  }
  const CopyRows copy = {.source = src,
                         .fill = nullptr,
                         .destination = output,
                         .rows = index.input_count,
                         .row_bytes = index.row_bytes};
  return LaunchCopyRows(copy, ScatteredRow{last_writers}, stream);
}

}  // namespace maskd
