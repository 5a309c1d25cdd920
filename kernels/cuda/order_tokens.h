// noise -> keys -> order -> ids, mask and noise, on the device.
//
// The order is ascending by (key, index), which is that of a stable argsort of
// the noise (docs/semantics.md, section 1). Short sequences take one block
// each (order_tokens_short.h), long ones a radix sort (order_tokens_long.h).
#ifndef MASKD_KERNELS_CUDA_ORDER_TOKENS_H_
#define MASKD_KERNELS_CUDA_ORDER_TOKENS_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/masking_spec.h"
#include "kernels/torch_cuda_noise.h"

namespace maskd {

// Where the noise comes from.
struct NoiseOperands {
  NoiseSource source;

  // For kSeeded, and kProvided with a scale.
  std::uint64_t seed;
  std::uint64_t first_sample_id;
  const std::uint64_t* sample_ids;     // [N], or null: counted up from first_sample_id
  std::uint32_t epoch_and_mask_index;  // (epoch << 8) | mask_index

  // [N, L]: 24-bit draws for kTorchCpu, bits of float32 for kProvided, else
  // not read.
  const std::uint32_t* values;

  // For kProvided.
  NoiseDirection direction;
  float seeded_noise_scale;

  TorchCudaStream torch_cuda;  // for kTorchCuda; sample 0 is that of this launch
};

// What to write; null is not wanted. Aligned to their element size.
struct OrderResults {
  void* ids_restore;          // [N, L] of ids_type
  void* ids_keep;             // [N, K] of ids_type
  void* ids_mask;             // [N, L - K] of ids_type
  void* mask;                 // [N, L] of mask_type; packed bits: rows of whole bytes
  float* noise;               // [N, L]
  std::uint32_t* keep_index;  // [N, K]: ids_keep for LaunchGatherTokens
  IdsType ids_type;
  MaskType mask_type;
  MaskPolarity mask_polarity;
};

// Operands of LaunchOrderTokens. Device pointers, row-major, not overlapping.
struct OrderTokens {
  std::int64_t batch_size;       // N, 0 <= N < 2^31
  std::int64_t sequence_length;  // L, 1 <= L <= 2^24
  std::int64_t num_keep;         // K, 0 <= K <= L
  KeptOrder kept_order;
  NoiseOperands noise;
  OrderResults results;
};

// Sets `bytes` to the scratch memory that LaunchOrderTokens needs for `op`, 0 if
// none: it depends on sizes and noise source alone, does not shrink as
// batch_size grows, and is bounded by about 64 MiB or 16 bytes a token of one
// sequence, whichever is more.
//
// Returns the error of asking the device.
cudaError_t GetOrderTokensScratchBytes(const OrderTokens& op, std::size_t* bytes);

// Enqueues drawing, ordering and writing the results of `op` on `stream`; does
// not synchronize. `scratch` is device memory of at least the size above,
// aligned to 256 bytes, and in use until the work is done.
//
// Returns the error of the launches. Errors while running surface at the next
// synchronization of `stream`.
cudaError_t LaunchOrderTokens(const OrderTokens& op, std::byte* scratch, std::size_t scratch_bytes,
                              cudaStream_t stream);

// Returns cudaErrorNoKernelImageForDevice or the like if these kernels were not
// built for the current device.
cudaError_t CheckOrderTokensKernels();

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_ORDER_TOKENS_H_
