// Ordering sequences that fit into one block: noise, order and results in one
// kernel, with everything between them in registers and shared memory.
#ifndef MASKD_KERNELS_CUDA_ORDER_TOKENS_SHORT_H_
#define MASKD_KERNELS_CUDA_ORDER_TOKENS_SHORT_H_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/cuda/order_tokens.h"

namespace maskd {

inline constexpr std::int64_t kMaxShortLength = 4096;

// As LaunchOrderTokens, for L <= kMaxShortLength; takes no scratch memory.
cudaError_t LaunchOrderShort(const OrderTokens& op, cudaStream_t stream);

// As CheckOrderTokensKernels.
cudaError_t CheckOrderShortKernel();

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_ORDER_TOKENS_SHORT_H_
