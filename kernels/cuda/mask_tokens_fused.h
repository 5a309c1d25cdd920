// Order and gather in one kernel, for batches so small that a second launch shows.
#ifndef MASKD_KERNELS_CUDA_MASK_TOKENS_FUSED_H_
#define MASKD_KERNELS_CUDA_MASK_TOKENS_FUSED_H_

#include <cuda_runtime_api.h>

#include "kernels/cuda/gather_tokens.h"
#include "kernels/cuda/order_tokens.h"

namespace maskd {

// Whether one kernel can do both: the same batch, L <= 4096, and tokens, kept
// tokens and token_bytes multiples of 16.
bool CanFuse(const OrderTokens& order, const GatherTokens& gather);

// Enqueues LaunchOrderTokens(order) and LaunchGatherTokens(gather) as one kernel
// on `stream`; does not synchronize. A block orders a sequence and copies its
// kept tokens; the keep_index of both is not used. CanFuse must hold.
//
// Not used by the backend yet: masker_bench compares it with the two kernels.
//
// Returns the error of this launch. Errors while running surface at the next
// synchronization of `stream`.
cudaError_t LaunchMaskTokensFused(const OrderTokens& order, const GatherTokens& gather, cudaStream_t stream);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_MASK_TOKENS_FUSED_H_
