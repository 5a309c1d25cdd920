#include "kernels/cuda/gather_tokens.h"

#include <cstdint>

#include "kernels/cuda/copy_rows.cuh"

namespace maskd {
namespace {

struct KeptToken {
  const std::uint32_t* keep_index;
  std::int64_t rows;  // of all sequences
  std::int64_t num_keep;
  std::int64_t sequence_length;

  __device__ std::int64_t operator()(std::int64_t row) const {
    // 64-bit division takes as long as the copy of a short row.
    const std::int64_t n = rows <= UINT32_MAX
                               ? static_cast<std::uint32_t>(row) / static_cast<std::uint32_t>(num_keep)
                               : row / num_keep;
    return n * sequence_length + keep_index[row];
  }
};

}  // namespace

cudaError_t CanGatherStartEarly(bool* can) { return CanStartEarly(copy_rows::Copy<uint4, KeptToken>, can); }

cudaError_t LaunchGatherTokens(const GatherTokens& op, cudaStream_t stream) {
  const std::int64_t rows = op.batch_size * op.num_keep;
  const CopyRows copy = {.source = op.tokens,
                         .fill = nullptr,
                         .destination = op.kept_tokens,
                         .rows = rows,
                         .row_bytes = op.token_bytes,
                         .starts_early = op.starts_early};
  return LaunchCopyRows(copy, KeptToken{op.keep_index, rows, op.num_keep, op.sequence_length}, stream);
}

}  // namespace maskd
