#include "kernels/cpu/draw_noise.h"

#include <algorithm>
#include <cstring>

#include "kernels/noise_key.h"
#include "kernels/philox.h"

namespace maskd {
namespace {

SeededStream StreamOfSample(const MaskingPlan& plan, std::int64_t n) {
  return {plan.seed, plan.SampleId(n), plan.epoch << 8 | plan.mask_index};
}

// Four lanes of Philox beside one another, for the compiler to vectorize.
void DrawSeeded(const SeededStream& stream, std::span<std::uint32_t> keys) {
  const std::size_t whole_blocks = keys.size() / 4;
  for (std::size_t block = 0; block < whole_blocks; ++block) {
    const PhiloxBlock bits = SeededNoise24(stream, static_cast<std::uint32_t>(block));
    std::memcpy(&keys[4 * block], bits.word, sizeof(bits.word));
  }
  if (const std::size_t rest = keys.size() % 4; rest != 0) {
    const PhiloxBlock bits = SeededNoise24(stream, static_cast<std::uint32_t>(whole_blocks));
    std::memcpy(&keys[4 * whole_blocks], bits.word, rest * sizeof(bits.word[0]));
  }
}

void ReadProvided(const MaskingPlan& plan, std::int64_t n, std::span<std::uint32_t> keys, std::byte* noise) {
  const std::byte* provided = plan.provided_noise + n * plan.sequence_length * 4;
  const bool descending = plan.noise_direction == NoiseDirection::kDescending;
  if (plan.seeded_noise_scale != 0.0f) {
    DrawSeeded(StreamOfSample(plan, n), keys);
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

}  // namespace

int KeyBits(NoiseSource source) {
  return source == NoiseSource::kProvided ? kProvidedKeyBits : kDrawnKeyBits;
}

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
  DrawSeeded(StreamOfSample(plan, n), keys);
  if (noise != nullptr) WriteDrawnNoise(keys, noise);
}

TorchCpuStream::TorchCpuStream(std::uint64_t seed, std::uint64_t skip)
    : engine_(static_cast<std::uint32_t>(seed)) {
  engine_.discard(skip);
}

void TorchCpuStream::Draw(std::span<std::uint32_t> keys) {
  for (std::uint32_t& key : keys) key = static_cast<std::uint32_t>(engine_()) & 0xFFFFFFu;
}

}  // namespace maskd
