// Copying a row of words by several threads.
#ifndef MASKD_KERNELS_CUDA_COPY_ROW_CUH_
#define MASKD_KERNELS_CUDA_COPY_ROW_CUH_

#include <cuda_runtime.h>

#include <cstdint>

namespace maskd {

inline constexpr int kWordsInFlight = 4;  // loads of a thread before its first store

// The share of thread `lane` of `lanes` in destination[i] = source[i], i below
// `row_words`.
template <typename Word>
__device__ inline void CopyRow(const Word* source, Word* destination, std::int64_t row_words,
                               std::int64_t lane, int lanes) {
  for (std::int64_t first = lane; first < row_words; first += kWordsInFlight * lanes) {
    Word words[kWordsInFlight];
#pragma unroll
    for (int i = 0; i < kWordsInFlight; ++i) {
      if (first + i * lanes < row_words) words[i] = __ldcs(&source[first + i * lanes]);
    }
#pragma unroll
    for (int i = 0; i < kWordsInFlight; ++i) {
      if (first + i * lanes < row_words) destination[first + i * lanes] = words[i];
    }
  }
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_COPY_ROW_CUH_
