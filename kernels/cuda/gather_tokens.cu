#include "kernels/cuda/gather_tokens.h"

#include <cstdint>

#include "kernels/cuda/copy_row.cuh"
#include "kernels/cuda/launch.cuh"

namespace maskd {
namespace {

constexpr unsigned kBlockThreads = 256;
constexpr int kMaxLanesLog2 = 5;  // a warp

// 2^lanes_log2 neighbouring threads copy one row of `row_words` words.
template <typename Word>
__global__ void __launch_bounds__(kBlockThreads)
    GatherRows(const GatherTokens op, std::int64_t rows, std::int64_t row_words, int lanes_log2) {
  WaitForKernelBefore();
  const std::int64_t thread = std::int64_t{blockIdx.x} * kBlockThreads + threadIdx.x;
  const int lanes = 1 << lanes_log2;
  const std::int64_t row = thread >> lanes_log2;
  if (row >= rows) return;
  // 64-bit division takes as long as the copy of a short row.
  const std::int64_t n = rows <= UINT32_MAX
                             ? static_cast<std::uint32_t>(row) / static_cast<std::uint32_t>(op.num_keep)
                             : row / op.num_keep;
  const Word* const source =
      reinterpret_cast<const Word*>(op.tokens) + (n * op.sequence_length + op.keep_index[row]) * row_words;
  Word* const destination = reinterpret_cast<Word*>(op.kept_tokens) + row * row_words;
  CopyRow(source, destination, row_words, thread & (lanes - 1), lanes);
}

template <typename Word>
cudaError_t LaunchGatherWords(const GatherTokens& op, cudaStream_t stream) {
  const std::int64_t rows = op.batch_size * op.num_keep;
  const std::int64_t row_words = op.token_bytes / static_cast<std::int64_t>(sizeof(Word));
  int lanes_log2 = 0;
  while (lanes_log2 < kMaxLanesLog2 && (std::int64_t{1} << lanes_log2) < row_words) ++lanes_log2;
  const std::int64_t block_rows = kBlockThreads >> lanes_log2;
  const std::int64_t blocks = (rows + block_rows - 1) / block_rows;
  if (blocks > INT32_MAX) return cudaErrorInvalidValue;
  const LaunchShape shape = {.grid = dim3(static_cast<unsigned>(blocks)),
                             .block = dim3(kBlockThreads),
                             .starts_early = op.starts_early};
  return Launch(shape, stream, GatherRows<Word>, op, rows, row_words, lanes_log2);
}

}  // namespace

cudaError_t CanGatherStartEarly(bool* can) { return CanStartEarly(GatherRows<uint4>, can); }

cudaError_t LaunchGatherTokens(const GatherTokens& op, cudaStream_t stream) {
  if (op.batch_size == 0 || op.num_keep == 0) return cudaSuccess;
  const std::uintptr_t bits = reinterpret_cast<std::uintptr_t>(op.tokens) |
                              reinterpret_cast<std::uintptr_t>(op.kept_tokens) |
                              static_cast<std::uintptr_t>(op.token_bytes);
  if (bits % 16 == 0) return LaunchGatherWords<uint4>(op, stream);
  if (bits % 8 == 0) return LaunchGatherWords<uint2>(op, stream);
  if (bits % 4 == 0) return LaunchGatherWords<unsigned int>(op, stream);
  if (bits % 2 == 0) return LaunchGatherWords<unsigned short>(op, stream);
  return LaunchGatherWords<unsigned char>(op, stream);
}

}  // namespace maskd
