// The first place at which the threads of a kernel found something.
#ifndef MASKD_KERNELS_CUDA_NOTE_FIRST_CUH_
#define MASKD_KERNELS_CUDA_NOTE_FIRST_CUH_

#include <cuda_runtime.h>

#include <cstdint>

namespace maskd {

// Enqueues *first = -1: none was noted.
inline cudaError_t ClearFirst(std::int64_t* first, cudaStream_t stream) {
  return cudaMemsetAsync(first, 0xff, sizeof(*first), stream);
}

// Makes *first, in device memory, the least of it and place >= 0.
__device__ inline void NoteFirst(std::int64_t* first, std::int64_t place) {
  // -1 is the largest without a sign.
  atomicMin(reinterpret_cast<unsigned long long*>(first), static_cast<unsigned long long>(place));
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_NOTE_FIRST_CUH_
