#include "kernels/cuda/order_tokens_short.h"

#include <cstdint>

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/order_sequence.cuh"

namespace maskd {
namespace {

constexpr unsigned kMinThreads = 32;

// One block a multiprocessor suffices: left to itself ptxas spills for two.
template <NoiseSource kSource>
__global__ void __launch_bounds__(kMaxOrderThreads, 1) OrderShort(const OrderTokens op) {
  extern __shared__ uint4 shared_memory[];  // OrderSharedBytes
  LetNextKernelStart();
  const std::int64_t n = blockIdx.x;
  WriteSequence(op, n, OrderSequence<kSource>(op, n, shared_memory));
}

}  // namespace

cudaError_t LaunchOrderShort(const OrderTokens& op, cudaStream_t stream) {
  const unsigned threads = OrderThreads(op.sequence_length, kMinThreads);
  const LaunchShape shape = {.grid = dim3(static_cast<unsigned>(op.batch_size)),
                             .block = dim3(threads),
                             .shared_bytes = OrderSharedBytes(threads)};
  return WithNoiseSource(op.noise.source,
                         [&](auto source) { return Launch(shape, stream, OrderShort<source.value>, op); });
}

cudaError_t CheckOrderShortKernel() {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, OrderShort<NoiseSource::kSeeded>);
}

}  // namespace maskd
