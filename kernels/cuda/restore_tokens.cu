#include "kernels/cuda/restore_tokens.h"

#include <cstdint>

#include "kernels/cuda/copy_rows.cuh"
#include "kernels/cuda/grid_stride.cuh"
#include "kernels/cuda/note_first.cuh"
#include "kernels/load_element.h"

namespace maskd {
namespace {

struct RestoredToken {
  const std::byte* ids_restore;
  std::int64_t sequence_length;
  std::int64_t num_keep;
  std::int64_t num_prefix;
  IdsType ids_type;

  __device__ std::int64_t operator()(std::int64_t row) const {
    const std::int64_t n = row / (num_prefix + sequence_length);
    const std::int64_t l = row - n * (num_prefix + sequence_length) - num_prefix;
    const std::int64_t kept = n * (num_prefix + num_keep) + num_prefix;
    if (l < 0) return kept + l;
    const std::int64_t id = LoadId(ids_type, ids_restore, n * sequence_length + l);
    return id >= 0 && id < num_keep ? kept + id : kFillRow;
  }
};

__device__ bool IsPlace(const CheckPermutations& op, std::int64_t id) {
  return id >= 0 && id < op.sequence_length;
}

__global__ void __launch_bounds__(kStrideThreads) FindFirstTokens(const CheckPermutations op) {
  for (GridStride at(op.batch_size * op.sequence_length); at.more(); at.Next()) {
    const std::int64_t n = at.i() / op.sequence_length;
    const std::int64_t id = LoadId(op.ids_type, op.ids, at.i());
    const std::uint32_t l = static_cast<std::uint32_t>(at.i() - n * op.sequence_length);
    if (IsPlace(op, id)) atomicMin(&op.first_tokens[n * op.sequence_length + id], l);
  }
}

__global__ void __launch_bounds__(kStrideThreads) NoteRepeated(const CheckPermutations op) {
  for (GridStride at(op.batch_size * op.sequence_length); at.more(); at.Next()) {
    const std::int64_t n = at.i() / op.sequence_length;
    const std::int64_t id = LoadId(op.ids_type, op.ids, at.i());
    const std::int64_t row = n * op.sequence_length;
    if (!IsPlace(op, id) || row + op.first_tokens[row + id] != at.i()) NoteFirst(op.first_bad, at.i());
  }
}

}  // namespace

cudaError_t LaunchRestoreTokens(const RestoreTokens& op, cudaStream_t stream) {
  const CopyRows copy = {.source = op.kept_tokens,
                         .fill = op.fill,
                         .destination = op.restored,
                         .rows = op.batch_size * (op.num_prefix + op.sequence_length),
                         .row_bytes = op.token_bytes};
  const RestoredToken source_of = {op.ids_restore, op.sequence_length, op.num_keep, op.num_prefix,
                                   op.ids_type};
  return LaunchCopyRows(copy, source_of, stream);
}

cudaError_t LaunchCheckPermutations(const CheckPermutations& op, cudaStream_t stream) {
  const std::int64_t count = op.batch_size * op.sequence_length;
  if (const cudaError_t error = ClearFirst(op.first_bad, stream); error != cudaSuccess) return error;
  if (count == 0) return cudaSuccess;
  // No token is that far.
  if (const cudaError_t error = cudaMemsetAsync(
          op.first_tokens, 0xff, static_cast<std::size_t>(count) * sizeof(std::uint32_t), stream);
      error != cudaSuccess) {
    return error;
  }
  if (const cudaError_t error = Launch(StrideShape(count), stream, FindFirstTokens, op); error != cudaSuccess)
    return error;
  return Launch(StrideShape(count), stream, NoteRepeated, op);
}

}  // namespace maskd
