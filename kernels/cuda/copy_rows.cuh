// Copying rows of bytes to where a function says: gather, scatter, restore, select
// and pad.
#ifndef MASKD_KERNELS_CUDA_COPY_ROWS_CUH_
#define MASKD_KERNELS_CUDA_COPY_ROWS_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/copy_row.cuh"
#include "kernels/cuda/launch.cuh"

namespace maskd {

// Operands of LaunchCopyRows. Device pointers, any alignment.
struct CopyRows {
  const std::byte* source;  // rows of row_bytes
  const std::byte* fill;    // [row_bytes], or null for zeros
  std::byte* destination;   // [rows, row_bytes]
  std::int64_t rows;
  std::int64_t row_bytes;
  bool starts_early = false;  // see LaunchShape
};

// What a row of the destination may become beside a row of the source.
inline constexpr std::int64_t kFillRow = -1;
inline constexpr std::int64_t kLeaveRow = -2;  // as it is

namespace copy_rows {

constexpr unsigned kBlockThreads = 256;
constexpr int kMaxLanesLog2 = 5;           // a warp
constexpr unsigned kMaxBlocks = 1u << 20;  // beyond them threads take several rows

// 2^lanes_log2 neighbouring threads copy one row of `row_words` words.
template <typename Word, typename SourceOf>
__global__ void __launch_bounds__(kBlockThreads)
    Copy(const CopyRows op, std::int64_t row_words, int lanes_log2, const SourceOf source_of) {
  WaitForKernelBefore();
  const std::int64_t thread = std::int64_t{blockIdx.x} * kBlockThreads + threadIdx.x;
  const std::int64_t threads = std::int64_t{gridDim.x} * kBlockThreads;
  const int lanes = 1 << lanes_log2;
  const int lane = static_cast<int>(thread & (lanes - 1));
  for (std::int64_t row = thread >> lanes_log2; row < op.rows; row += threads >> lanes_log2) {
    const std::int64_t source = source_of(row);
    Word* const destination = reinterpret_cast<Word*>(op.destination) + row * row_words;
    if (source >= 0) {
      CopyRow(reinterpret_cast<const Word*>(op.source) + source * row_words, destination, row_words, lane,
              lanes);
    } else if (source == kFillRow && op.fill != nullptr) {
      CopyRow(reinterpret_cast<const Word*>(op.fill), destination, row_words, lane, lanes);
    } else if (source == kFillRow) {
      for (std::int64_t word = lane; word < row_words; word += lanes) destination[word] = Word{};
    }
  }
}

template <typename Word, typename SourceOf>
cudaError_t LaunchCopy(const CopyRows& op, const SourceOf& source_of, cudaStream_t stream) {
  const std::int64_t row_words = op.row_bytes / static_cast<std::int64_t>(sizeof(Word));
  int lanes_log2 = 0;
  while (lanes_log2 < kMaxLanesLog2 && (std::int64_t{1} << lanes_log2) < row_words) ++lanes_log2;
  const std::int64_t block_rows = kBlockThreads >> lanes_log2;
  const std::int64_t blocks = std::min<std::int64_t>((op.rows - 1) / block_rows + 1, kMaxBlocks);
  const LaunchShape shape = {.grid = dim3(static_cast<unsigned>(blocks)),
                             .block = dim3(kBlockThreads),
                             .starts_early = op.starts_early};
  return Launch(shape, stream, Copy<Word, SourceOf>, op, row_words, lanes_log2, source_of);
}

}  // namespace copy_rows

// Enqueues, for each row of the destination, the copy of row source_of(row) of the
// source, or what else it says; does not synchronize. `source_of` is a functor for
// the device, called by each thread of a row. In words of 16 bytes where pointers
// and row_bytes are multiples of 16, else of 8, 4, 2 or 1.
//
// Returns the error of this launch.
template <typename SourceOf>
cudaError_t LaunchCopyRows(const CopyRows& op, const SourceOf& source_of, cudaStream_t stream) {
  if (op.rows == 0 || op.row_bytes == 0) return cudaSuccess;
  const std::uintptr_t bits =
      reinterpret_cast<std::uintptr_t>(op.source) | reinterpret_cast<std::uintptr_t>(op.fill) |
      reinterpret_cast<std::uintptr_t>(op.destination) | static_cast<std::uintptr_t>(op.row_bytes);
  if (bits % 16 == 0) return copy_rows::LaunchCopy<uint4>(op, source_of, stream);
  if (bits % 8 == 0) return copy_rows::LaunchCopy<uint2>(op, source_of, stream);
  if (bits % 4 == 0) return copy_rows::LaunchCopy<unsigned int>(op, source_of, stream);
  if (bits % 2 == 0) return copy_rows::LaunchCopy<unsigned short>(op, source_of, stream);
  return copy_rows::LaunchCopy<unsigned char>(op, source_of, stream);
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_COPY_ROWS_CUH_
