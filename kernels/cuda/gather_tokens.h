// Gathering kept tokens on the device. Knows bytes, not data types.
#ifndef MASKD_KERNELS_CUDA_GATHER_TOKENS_H_
#define MASKD_KERNELS_CUDA_GATHER_TOKENS_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace maskd {

// Operands of LaunchGatherTokens. Device pointers, row-major, any alignment;
// `tokens` and `kept_tokens` must not overlap.
struct GatherTokens {
  const std::byte* tokens;          // [N, L, token_bytes]
  const std::uint32_t* keep_index;  // [N, K], each below L
  std::byte* kept_tokens;           // [N, K, token_bytes], written
  std::int64_t batch_size;          // N >= 0
  std::int64_t sequence_length;     // L >= 1
  std::int64_t num_keep;            // K, 0 <= K <= L, below 2^31
  std::int64_t token_bytes;         // >= 1
  // Start while the kernel before it on the stream, such as that of
  // LaunchOrderTokens, ends. CanGatherStartEarly must hold.
  bool starts_early = false;
};

// Sets `can` to whether the current device, and the kernels built for it, have
// programmatic dependent launch: compute capability 9.0 on.
cudaError_t CanGatherStartEarly(bool* can);

// Enqueues kept_tokens[n, k] = tokens[n, keep_index[n, k]] on `stream`; does
// not synchronize. One kernel for all data types, bound by memory bandwidth:
// 2 * N * K * token_bytes of traffic, in words of 16 bytes where pointers and
// token_bytes are multiples of 16, else of 8, 4, 2 or 1.
//
// Returns the error of this launch. Errors while running surface at the next
// synchronization of `stream`.
cudaError_t LaunchGatherTokens(const GatherTokens& op, cudaStream_t stream);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_GATHER_TOKENS_H_
