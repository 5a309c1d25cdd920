// What torch.rand draws on a CUDA device: the same functions on host and device.
// docs/semantics.md, section 3, has the definition.
//
// Source: distribution_elementwise_grid_stride_kernel and calc_execution_policy
// of PyTorch (aten/src/ATen/native/cuda/DistributionTemplates.h), curand_init
// and curand_uniform4 of cuRAND (curand_kernel.h, curand_uniform.h).
#ifndef MASKD_KERNELS_TORCH_CUDA_NOISE_H_
#define MASKD_KERNELS_TORCH_CUDA_NOISE_H_

#include <cstdint>

#include "kernels/host_device.h"
#include "kernels/philox.h"

namespace maskd {

inline constexpr std::int64_t kTorchCudaBlockThreads = 256;

// One torch.rand. Thread t of the device has subsequence t of the generator, and
// draws four numbers at a time.
struct TorchCudaStream {
  std::uint64_t seed;
  std::uint64_t offset;         // of torch's generator, a multiple of 4
  std::uint32_t num_threads;    // of the grid, see TorchCudaThreads
  std::uint32_t first_element;  // of the tensor that is drawn: where sample 0 begins
};

// The threads that torch draws a tensor of `num_elements` with, at most 2^29 as
// num_elements is.
inline std::uint32_t TorchCudaThreads(std::int64_t num_elements, std::int64_t multi_processor_count,
                                      std::int64_t max_threads_per_multi_processor) {
  const std::int64_t blocks = (num_elements + kTorchCudaBlockThreads - 1) / kTorchCudaBlockThreads;
  const std::int64_t wave =
      multi_processor_count * (max_threads_per_multi_processor / kTorchCudaBlockThreads);
  return static_cast<std::uint32_t>((blocks < wave ? blocks : wave) * kTorchCudaBlockThreads);
}

// The 32 bits that noise `index` = n * L + l of the batch is made from.
MASKD_HOST_DEVICE inline std::uint32_t TorchCudaDraw(const TorchCudaStream& stream, std::uint32_t index) {
  const std::uint32_t element = stream.first_element + index;
  const std::uint32_t turn = element / stream.num_threads;
  const std::uint32_t thread = element - turn * stream.num_threads;
  const std::uint64_t step = stream.offset / 4 + turn / 4;
  const PhiloxBlock bits = Philox4x32(
      {{static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32), thread, 0}}, stream.seed);
  // No index: on the device it would put the block into memory.
  const std::uint32_t even = (turn & 2) == 0 ? bits.word[0] : bits.word[2];
  const std::uint32_t odd = (turn & 2) == 0 ? bits.word[1] : bits.word[3];
  return (turn & 1) == 0 ? even : odd;
}

// The noise in [0, 1) of a draw. The product is exact, so that a fused
// multiply-add, which cuRAND compiles to, gives the same bits as none.
MASKD_HOST_DEVICE inline float TorchCudaNoise(std::uint32_t draw) {
  const float noise = static_cast<float>(draw) * 0x1p-32f + 0x1p-33f;
  return noise == 1.0f ? 0.0f : noise;
}

// Key (kernels/noise_key.h) of such noise, as uniform as the draws are: the noise
// in units of 2^-32, rounded down, above a key of its own for 0.
MASKD_HOST_DEVICE inline std::uint32_t KeyOfTorchCudaNoise(float noise) {
  return noise == 0.0f ? 0 : static_cast<std::uint32_t>(noise * 0x1p32f) + 1;
}

}  // namespace maskd

#endif  // MASKD_KERNELS_TORCH_CUDA_NOISE_H_
