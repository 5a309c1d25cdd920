#include "kernels/cuda/pad_sequences.h"

#include <cstdint>

#include "kernels/cuda/copy_rows.cuh"
#include "kernels/cuda/grid_stride.cuh"

namespace maskd {
namespace {

struct PaddedStep {
  const std::int64_t* starts;
  std::int64_t sequences;
  std::int64_t padded_length;
  bool time_major;

  // The step of the values for a row of the result.
  __device__ std::int64_t operator()(std::int64_t row) const {
    const std::int64_t b = time_major ? row % sequences : row / padded_length;
    const std::int64_t t = time_major ? row / sequences : row % padded_length;
    const std::int64_t step = starts[b] + t;
    return step < starts[b + 1] ? step : kFillRow;
  }
};

template <typename Number>
__global__ void __launch_bounds__(kStrideThreads)
    WriteStepMask(const PaddedStep step_of, std::int64_t rows, Number* mask) {
  for (GridStride at(rows); at.more(); at.Next()) mask[at.i()] = Number(step_of(at.i()) >= 0);
}

}  // namespace

cudaError_t LaunchPadSequences(const PadSequences& op, cudaStream_t stream) {
  const PaddedStep step_of = {op.starts, op.sequences, op.padded_length, op.time_major};
  const std::int64_t rows = op.sequences * op.padded_length;
  const CopyRows copy = {.source = op.values,
                         .fill = op.padding,
                         .destination = op.padded,
                         .rows = rows,
                         .row_bytes = op.row_bytes};
  if (const cudaError_t error = LaunchCopyRows(copy, step_of, stream); error != cudaSuccess) return error;
  if (op.mask_type == MaskType::kUint8) {
    return Launch(StrideShape(rows), stream, WriteStepMask<std::uint8_t>, step_of, rows,
                  reinterpret_cast<std::uint8_t*>(op.mask));
  }
  return Launch(StrideShape(rows), stream, WriteStepMask<float>, step_of, rows,
                reinterpret_cast<float*>(op.mask));
}

}  // namespace maskd
