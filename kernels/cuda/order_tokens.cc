#include "kernels/cuda/order_tokens.h"

#include "kernels/cuda/order_tokens_long.h"
#include "kernels/cuda/order_tokens_short.h"

namespace maskd {
namespace {

constexpr std::int64_t kMaxLength = std::int64_t{1} << 24;
constexpr std::int64_t kMaxBatch = INT32_MAX;  // blocks of a grid

bool SizesAreValid(const OrderTokens& op) {
  return op.batch_size >= 0 && op.batch_size <= kMaxBatch && op.sequence_length >= 1 &&
         op.sequence_length <= kMaxLength && op.num_keep >= 0 && op.num_keep <= op.sequence_length;
}

}  // namespace

cudaError_t GetOrderTokensScratchBytes(const OrderTokens& op, std::size_t* bytes) {
  *bytes = 0;
  if (!SizesAreValid(op)) return cudaErrorInvalidValue;
  if (op.batch_size == 0 || op.sequence_length <= kMaxShortLength) return cudaSuccess;
  return GetOrderLongScratchBytes(op, bytes);
}

cudaError_t LaunchOrderTokens(const OrderTokens& op, std::byte* scratch, std::size_t scratch_bytes,
                              cudaStream_t stream) {
  if (!SizesAreValid(op)) return cudaErrorInvalidValue;
  if (op.batch_size == 0) return cudaSuccess;
  if (op.sequence_length <= kMaxShortLength) return LaunchOrderShort(op, stream);
  return LaunchOrderLong(op, scratch, scratch_bytes, stream);
}

cudaError_t CheckOrderTokensKernels() { return CheckOrderShortKernel(); }

}  // namespace maskd
