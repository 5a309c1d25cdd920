// pad_sequences on the device.
#ifndef MASKD_KERNELS_CUDA_PAD_SEQUENCES_H_
#define MASKD_KERNELS_CUDA_PAD_SEQUENCES_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/masking_spec.h"

namespace maskd {

// Operands of LaunchPadSequences. Device pointers, row-major.
struct PadSequences {
  const std::byte* values;     // [steps, row_bytes]
  const std::int64_t* starts;  // [B + 1]: the first step of each sequence, and the end
  const std::byte* padding;    // [row_bytes], or null for zeros
  std::byte* padded;           // [B, T, row_bytes], or [T, B, row_bytes] if time_major; written
  std::byte* mask;             // [B, T] or [T, B] of mask_type, aligned to it; written
  std::int64_t sequences;      // B >= 1
  std::int64_t padded_length;  // T >= 1, no sequence is longer
  std::int64_t row_bytes;      // >= 0
  bool time_major;
  MaskType mask_type;  // not packed bits
};

// Enqueues, on `stream`, padded[b, t] = values[starts[b] + t] where sequence b has a
// step t, else the padding; and the mask, 1 where it has. Does not synchronize.
//
// Returns the error of a launch. Errors while running surface at the next
// synchronization of `stream`.
cudaError_t LaunchPadSequences(const PadSequences& op, cudaStream_t stream);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_PAD_SEQUENCES_H_
