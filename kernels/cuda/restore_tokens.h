// Putting kept tokens back on the device. Knows bytes, not data types.
#ifndef MASKD_KERNELS_CUDA_RESTORE_TOKENS_H_
#define MASKD_KERNELS_CUDA_RESTORE_TOKENS_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/masking_spec.h"

namespace maskd {

// Operands of LaunchRestoreTokens. Device pointers, row-major; ids_restore is
// aligned to its elements, the others as they may be. `restored` must not overlap
// what is read.
struct RestoreTokens {
  const std::byte* kept_tokens;  // [N, P + K, token_bytes]
  const std::byte* ids_restore;  // [N, L] of ids_type
  const std::byte* fill;         // [token_bytes], or null for zeros
  std::byte* restored;           // [N, P + L, token_bytes], written
  std::int64_t batch_size;       // N >= 0
  std::int64_t sequence_length;  // L, 0 <= L <= 2^24
  std::int64_t num_keep;         // K, 0 <= K <= L
  std::int64_t num_prefix;       // P >= 0
  std::int64_t token_bytes;      // >= 0
  IdsType ids_type;
};

// Enqueues, on `stream`, restored[n, P + l] = kept_tokens[n, P + ids_restore[n, l]]
// where that id is in [0, K), else fill, and the P prefix tokens as they are; does
// not synchronize. With zeros it is the gradient of the gather of kept tokens, and
// kept_tokens their gradient. Bound by memory bandwidth; in words as
// LaunchGatherTokens.
//
// Reads no token outside kept_tokens whatever the ids; whether they are
// permutations LaunchCheckPermutations says.
//
// Returns the error of this launch. Errors while running surface at the next
// synchronization of `stream`.
cudaError_t LaunchRestoreTokens(const RestoreTokens& op, cudaStream_t stream);

// Operands of LaunchCheckPermutations. Device pointers.
struct CheckPermutations {
  const std::byte* ids;          // [N, L] of ids_type
  std::uint32_t* first_tokens;   // [N, L], scratch
  std::int64_t* first_bad;       // one, written
  std::int64_t batch_size;       // N >= 0
  std::int64_t sequence_length;  // L, 0 <= L <= 2^24
  IdsType ids_type;
};

// Enqueues the search for ids that are not in [0, L) or were in their row before;
// does not synchronize. first_bad becomes the position of the first of all in
// [N, L], in row-major order, or -1.
//
// Returns the error of this launch.
cudaError_t LaunchCheckPermutations(const CheckPermutations& op, cudaStream_t stream);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_RESTORE_TOKENS_H_
