// The noise stage: sort keys, and the noise itself on request, of sequences of
// a plan.
#ifndef MASKD_KERNELS_CPU_DRAW_NOISE_H_
#define MASKD_KERNELS_CPU_DRAW_NOISE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/masking_plan.h"

namespace maskd {

// Writes the keys (kernels/noise_key.h) of sequence n of `plan` to `keys` [L],
// and its noise to `noise` (float32 [L], any alignment) unless that is null.
// Not for kTorchCpu, which is one stream over the batch.
void DrawNoise(const MaskingPlan& plan, std::int64_t n, std::span<std::uint32_t> keys, std::byte* noise);

// Writes the noise of drawn 24-bit `keys` to `noise` (float32, any alignment).
void WriteDrawnNoise(std::span<const std::uint32_t> keys, std::byte* noise);

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_DRAW_NOISE_H_
