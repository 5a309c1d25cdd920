// The noise stage on the device: sort keys of four tokens at a time, as one
// block of Philox serves four.
#ifndef MASKD_KERNELS_CUDA_DRAW_KEYS_CUH_
#define MASKD_KERNELS_CUDA_DRAW_KEYS_CUH_

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/order_tokens.h"
#include "kernels/noise_key.h"
#include "kernels/philox.h"

namespace maskd {

inline constexpr std::uint32_t kQuad = 4;

struct QuadKeys {
  std::uint32_t key[kQuad];
};

// Keys (kernels/noise_key.h) of tokens 4 * quad .. 4 * quad + 3 of sequence n,
// 4 * quad < L; unspecified for those that are not in the sequence. Writes the
// noise too, if it is wanted. kSource is that of `op`.
template <NoiseSource kSource>
__device__ QuadKeys DrawKeys(const OrderTokens& op, std::int64_t n, std::uint32_t quad) {
  const NoiseOperands& noise = op.noise;
  const std::uint32_t length = static_cast<std::uint32_t>(op.sequence_length);
  const std::int64_t row = n * op.sequence_length;
  constexpr bool kProvided = kSource == NoiseSource::kProvided;

  PhiloxBlock draws = {};
  if (kSource == NoiseSource::kSeeded || (kProvided && noise.seeded_noise_scale != 0.0f)) {
    const std::uint64_t sample_id = noise.sample_ids != nullptr
                                        ? noise.sample_ids[n]
                                        : noise.first_sample_id + static_cast<std::uint64_t>(n);
    draws = SeededNoise24({noise.seed, sample_id, noise.epoch_and_mask_index}, quad);
  }

  QuadKeys keys;
#pragma unroll
  for (std::uint32_t i = 0; i < kQuad; ++i) {
    const std::uint32_t token = kQuad * quad + i;
    const bool exists = token < length;
    std::uint32_t noise_bits;
    if constexpr (kSource == NoiseSource::kTorchCuda) {
      // Consecutive tokens are of different threads of torch: a block of Philox each.
      const float drawn =
          TorchCudaNoise(TorchCudaDraw(noise.torch_cuda, static_cast<std::uint32_t>(row) + token));
      noise_bits = BitsOfFloat(drawn);
      keys.key[i] = KeyOfTorchCudaNoise(drawn);
    } else {
      std::uint32_t value = draws.word[i];
      if (kSource != NoiseSource::kSeeded && exists) value = noise.values[row + token];
      if constexpr (kProvided) {
        noise_bits = EffectiveNoiseBits(value, noise.seeded_noise_scale, draws.word[i],
                                        noise.direction == NoiseDirection::kDescending);
        keys.key[i] = KeyOfNoiseBits(noise_bits);
      } else {
        noise_bits = BitsOfFloat(NoiseOfDraw(value));
        keys.key[i] = value;
      }
    }
    if (exists && op.results.noise != nullptr) op.results.noise[row + token] = FloatOfBits(noise_bits);
  }
  return keys;
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_DRAW_KEYS_CUH_
