#include "kernels/cuda/mask_tokens_fused.h"

#include <cstdint>

#include "kernels/cuda/copy_row.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/order_sequence.cuh"

namespace maskd {
namespace {

// More than short sequences need for their order: the copy wants them.
constexpr unsigned kMinThreads = 512;

template <NoiseSource kSource>
__global__ void __launch_bounds__(kMaxOrderThreads, 1)
    MaskSequence(const OrderTokens op, const GatherTokens gather) {
  extern __shared__ uint4 shared_memory[];  // OrderSharedBytes
  const std::int64_t n = blockIdx.x;
  const SequenceOrder sequence = OrderSequence<kSource>(op, n, shared_memory);
  const std::int64_t row_words = gather.token_bytes / static_cast<std::int64_t>(sizeof(uint4));
  const uint4* const tokens =
      reinterpret_cast<const uint4*>(gather.tokens) + n * op.sequence_length * row_words;
  uint4* const kept_tokens = reinterpret_cast<uint4*>(gather.kept_tokens) + n * op.num_keep * row_words;
  // A warp a row.
  for (std::uint32_t row = threadIdx.x / kWarpSize; row < op.num_keep; row += blockDim.x / kWarpSize) {
    CopyRow(tokens + sequence.order[row] * row_words, kept_tokens + row * row_words, row_words,
            threadIdx.x % kWarpSize, static_cast<int>(kWarpSize));
  }
  WriteSequence(op, n, sequence);
}

}  // namespace

bool CanFuse(const OrderTokens& order, const GatherTokens& gather) {
  const std::uintptr_t bits = reinterpret_cast<std::uintptr_t>(gather.tokens) |
                              reinterpret_cast<std::uintptr_t>(gather.kept_tokens) |
                              static_cast<std::uintptr_t>(gather.token_bytes);
  return order.sequence_length <= kMaxShortLength && bits % sizeof(uint4) == 0 && gather.token_bytes > 0 &&
         order.batch_size == gather.batch_size && order.sequence_length == gather.sequence_length &&
         order.num_keep == gather.num_keep;
}

cudaError_t LaunchMaskTokensFused(const OrderTokens& order, const GatherTokens& gather, cudaStream_t stream) {
  if (!CanFuse(order, gather)) return cudaErrorInvalidValue;
  if (order.batch_size == 0) return cudaSuccess;
  OrderTokens op = order;
  op.results.keep_index = nullptr;
  const unsigned threads = OrderThreads(op.sequence_length, kMinThreads);
  const LaunchShape shape = {.grid = dim3(static_cast<unsigned>(op.batch_size)),
                             .block = dim3(threads),
                             .shared_bytes = OrderSharedBytes(threads)};
  return WithNoiseSource(op.noise.source, [&](auto source) {
    return Launch(shape, stream, MaskSequence<source.value>, op, gather);
  });
}

}  // namespace maskd
