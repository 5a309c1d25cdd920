// Ordering sequences of up to 2^24 tokens by a radix sort in device memory.
#ifndef MASKD_KERNELS_CUDA_ORDER_TOKENS_LONG_H_
#define MASKD_KERNELS_CUDA_ORDER_TOKENS_LONG_H_

#include <cuda_runtime_api.h>

#include <cstddef>

#include "kernels/cuda/order_tokens.h"

namespace maskd {

// As the functions of order_tokens.h without "Long" in their names.
cudaError_t GetOrderLongScratchBytes(const OrderTokens& op, std::size_t* bytes);
cudaError_t LaunchOrderLong(const OrderTokens& op, std::byte* scratch, std::size_t scratch_bytes,
                            cudaStream_t stream);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_ORDER_TOKENS_LONG_H_
