#include "kernels/cpu/draw_noise.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/seeded_noise.h"
#include "kernels/noise_key.h"
#include "kernels/philox.h"

namespace maskd {
namespace {

SeededStream StreamOfSample(const MaskingPlan& plan, std::int64_t n) {
  return {plan.seed, plan.SampleId(n), plan.epoch << 8 | plan.mask_index};
}

void ReadProvided(const MaskingPlan& plan, std::int64_t n, std::span<std::uint32_t> keys, std::byte* noise) {
  const std::byte* provided = plan.provided_noise + n * plan.sequence_length * 4;
  const bool descending = plan.noise_direction == NoiseDirection::kDescending;
  if (plan.seeded_noise_scale != 0.0f) {
    DrawSeededNoise(StreamOfSample(plan, n), keys);
  } else {
    std::fill(keys.begin(), keys.end(), 0u);
  }
  for (std::size_t l = 0; l < keys.size(); ++l) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, provided + 4 * l, 4);
    bits = EffectiveNoiseBits(bits, plan.seeded_noise_scale, keys[l], descending);
    keys[l] = KeyOfNoiseBits(bits);
    if (noise != nullptr) std::memcpy(noise + 4 * l, &bits, 4);
  }
}

void DrawTorchCuda(const MaskingPlan& plan, std::int64_t n, std::span<std::uint32_t> keys, std::byte* noise) {
  const auto first = static_cast<std::uint32_t>(n * plan.sequence_length);
  for (std::size_t l = 0; l < keys.size(); ++l) {
    const float value = TorchCudaNoise(TorchCudaDraw(plan.torch_cuda, first + static_cast<std::uint32_t>(l)));
    keys[l] = KeyOfTorchCudaNoise(value);
    if (noise != nullptr) std::memcpy(noise + 4 * l, &value, 4);
  }
}

}  // namespace

void WriteDrawnNoise(std::span<const std::uint32_t> keys, std::byte* noise) {
  for (std::size_t l = 0; l < keys.size(); ++l) {
    const float value = NoiseOfDraw(keys[l]);
    std::memcpy(noise + 4 * l, &value, 4);
  }
}

void DrawNoise(const MaskingPlan& plan, std::int64_t n, std::span<std::uint32_t> keys, std::byte* noise) {
  if (plan.noise_source == NoiseSource::kProvided) {
    ReadProvided(plan, n, keys, noise);
    return;
  }
  if (plan.noise_source == NoiseSource::kTorchCuda) {
    DrawTorchCuda(plan, n, keys, noise);
    return;
  }
  DrawSeededNoise(StreamOfSample(plan, n), keys);
  if (noise != nullptr) WriteDrawnNoise(keys, noise);
}

}  // namespace maskd
