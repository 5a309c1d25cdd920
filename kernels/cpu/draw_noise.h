// The noise stage: sort keys, and the noise itself on request, of sequences of
// a plan.
#ifndef MASKD_KERNELS_CPU_DRAW_NOISE_H_
#define MASKD_KERNELS_CPU_DRAW_NOISE_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

#include "kernels/masking_plan.h"

namespace maskd {

// Writes the keys (kernels/noise_key.h) of sequence n of `plan` to `keys` [L],
// and its noise to `noise` (float32 [L], any alignment) unless that is null.
// For kSeeded and kProvided.
void DrawNoise(const MaskingPlan& plan, std::int64_t n, std::span<std::uint32_t> keys, std::byte* noise);

// What torch.rand draws on the CPU after torch.manual_seed(seed): one stream in
// memory order, so sequences come one after the other.
//
// Source: at::mt19937 and uniform_real_distribution of PyTorch; every release
// since 1.0 draws these bits for float32.
class TorchCpuStream {
 public:
  // Draws from `seed`, the first `skip` passed over: about 1 ns each.
  TorchCpuStream(std::uint64_t seed, std::uint64_t skip);

  // The next keys.size() draws, as 24-bit keys.
  void Draw(std::span<std::uint32_t> keys);

 private:
  std::mt19937 engine_;
};

// Width of the keys of `source`.
int KeyBits(NoiseSource source);

// Writes the noise of drawn 24-bit `keys` to `noise` (float32, any alignment).
void WriteDrawnNoise(std::span<const std::uint32_t> keys, std::byte* noise);

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_DRAW_NOISE_H_
