#include "kernels/masking_parts.h"

#include <cstring>

#include "kernels/noise_key.h"

namespace maskd {

MaskingSpec SpecOfSamples(const MaskingSpec& spec, std::int64_t first, std::int64_t count) {
  const auto begin = static_cast<std::size_t>(first);
  const auto size = static_cast<std::size_t>(count);
  const auto row_bytes = static_cast<std::size_t>(spec.sequence_length) * 4;
  MaskingSpec part = spec;
  part.batch_size = count;
  part.first_sample_id += static_cast<std::uint64_t>(first);
  if (spec.sample_ids.has_value()) part.sample_ids = spec.sample_ids->subspan(begin, size);
  if (spec.noise_source == NoiseSource::kProvided)
    part.provided_noise = spec.provided_noise.subspan(begin * row_bytes, size * row_bytes);
  part.torch_skip += static_cast<std::uint64_t>(first * spec.sequence_length);
  if (spec.noise_source == NoiseSource::kTorchCuda) {
    if (part.torch_cuda.num_elements == 0)
      part.torch_cuda.num_elements = spec.batch_size * spec.sequence_length;
    part.torch_cuda.first_element += first * spec.sequence_length;
  }
  return part;
}

bool CanBeCut(const MaskingPlan& plan) {
  const auto draws = static_cast<std::uint64_t>(plan.batch_size * plan.sequence_length);
  return plan.noise_source != NoiseSource::kTorchCpu || plan.torch_skip + draws <= kMaxTorchSkip;
}

std::optional<MaskingSpec> PartCutter::Next(std::int64_t count, const IsCancelled& is_cancelled) {
  MaskingSpec part = SpecOfSamples(spec_, first_, count);
  if (spec_.noise_source == NoiseSource::kTorchCpu) {
    // Drawn here, where the stream goes on, and handed over as noise.
    if (first_ == 0 && !torch_stream_.Skip(spec_.torch_skip, is_cancelled)) return std::nullopt;
    draws_.resize(static_cast<std::size_t>(count * spec_.sequence_length));
    noise_.resize(draws_.size() * sizeof(float));
    torch_stream_.Draw(draws_);
    for (std::size_t i = 0; i < draws_.size(); ++i) {
      const float noise = NoiseOfDraw(draws_[i]);
      std::memcpy(noise_.data() + i * sizeof(float), &noise, sizeof(float));
    }
    part.noise_source = NoiseSource::kProvided;
    part.provided_noise = noise_;
    part.noise_direction = NoiseDirection::kAscending;
    part.seeded_noise_scale = 0;
  }
  first_ += count;
  return part;
}

}  // namespace maskd
