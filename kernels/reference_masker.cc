// The definition of docs/semantics.md in plain loops. Shares nothing with the
// fast backends but the generators, which have known answers of their own.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "kernels/masker.h"
#include "kernels/philox.h"
#include "kernels/torch_cpu_stream.h"

namespace maskd {
namespace {

float SeededNoise(const MaskingPlan& plan, std::int64_t n, std::int64_t l) {
  const std::uint64_t id = plan.SampleId(n);
  const PhiloxBlock counter = {{static_cast<std::uint32_t>(l >> 2), static_cast<std::uint32_t>(id),
                                static_cast<std::uint32_t>(id >> 32), (plan.epoch << 8) | plan.mask_index}};
  const std::uint32_t bits = Philox4x32(counter, plan.seed).word[l & 3];
  return static_cast<float>(bits >> 8) * std::ldexp(1.0f, -24);
}

float ProvidedNoise(const MaskingPlan& plan, std::int64_t n, std::int64_t l) {
  float noise;
  std::memcpy(&noise, plan.provided_noise + (n * plan.sequence_length + l) * 4, 4);
  if (plan.seeded_noise_scale != 0) {
    const float scaled = plan.seeded_noise_scale * SeededNoise(plan, n, l);
    noise = noise + scaled;
    if (std::isnan(noise)) noise = std::numeric_limits<float>::quiet_NaN();
  }
  return plan.noise_direction == NoiseDirection::kDescending ? -noise : noise;
}

float TorchCpuNoise(TorchCpuStream& stream) {
  std::uint32_t draw = 0;
  stream.Draw({&draw, 1});
  return static_cast<float>(draw) * std::ldexp(1.0f, -24);
}

// Element e is component (e / T) % 4 of step e / (4T) of thread e % T.
float PlainTorchCudaNoise(const TorchCudaStream& torch, std::int64_t index) {
  const std::int64_t e = torch.first_element + index;
  const std::int64_t T = torch.num_threads;
  const std::uint64_t step = torch.offset / 4 + static_cast<std::uint64_t>(e / (4 * T));
  const PhiloxBlock counter = {{static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32),
                                static_cast<std::uint32_t>(e % T), 0}};
  const std::uint32_t bits = Philox4x32(counter, torch.seed).word[e / T % 4];
  const float scaled = static_cast<float>(bits) * std::ldexp(1.0f, -32);
  const float noise = scaled + std::ldexp(1.0f, -33);
  return noise == 1.0f ? 0.0f : noise;
}

// Noise of all N * L tokens; `torch` is where kTorchCpu draws it from.
std::vector<float> DrawNoise(const MaskingPlan& plan, TorchCpuStream& torch) {
  std::vector<float> noise;
  for (std::int64_t n = 0; n < plan.batch_size; ++n) {
    for (std::int64_t l = 0; l < plan.sequence_length; ++l) {
      switch (plan.noise_source) {
        case NoiseSource::kSeeded:
          noise.push_back(SeededNoise(plan, n, l));
          break;
        case NoiseSource::kProvided:
          noise.push_back(ProvidedNoise(plan, n, l));
          break;
        case NoiseSource::kTorchCpu:
          noise.push_back(TorchCpuNoise(torch));
          break;
        case NoiseSource::kTorchCuda:
          noise.push_back(PlainTorchCudaNoise(plan.torch_cuda, n * plan.sequence_length + l));
          break;
      }
    }
  }
  return noise;
}

// Stable ascending argsort, NaN last.
std::vector<std::int64_t> Argsort(const float* noise, std::int64_t length) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(length));
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [noise](std::int64_t a, std::int64_t b) {
    if (std::isnan(noise[a])) return false;
    if (std::isnan(noise[b])) return true;
    return noise[a] < noise[b];
  });
  return ids;
}

void StoreId(IdsType type, std::int64_t id, std::byte* ids, std::int64_t index) {
  const std::int64_t size = IdBytes(type);
  std::memcpy(ids + index * size, &id, static_cast<std::size_t>(size));  // little-endian: the low bytes
}

void StoreMaskBit(MaskType type, bool one, std::byte* row, std::int64_t l) {
  const float value = one ? 1 : 0;
  switch (type) {
    case MaskType::kFloat32:
      std::memcpy(row + l * 4, &value, 4);
      return;
    case MaskType::kUint8:
      row[l] = std::byte{one};
      return;
    case MaskType::kPackedBits:
      if (l % 8 == 0) row[l / 8] = std::byte{0};
      row[l / 8] |= std::byte{one} << (l % 8);
      return;
  }
}

class ReferenceMasker final : public Masker {
 public:
  using Masker::Mask;

  absl::Status Mask(const MaskingPlan& plan, const MaskingBuffers& buffers,
                    const IsCancelled& is_cancelled) override {
    const ResultSelection& want = plan.selection;
    const std::int64_t L = plan.sequence_length;
    const std::int64_t K = plan.num_keep;
    const absl::Status cancelled = absl::CancelledError("the caller has gone");
    TorchCpuStream torch(plan.seed);
    if (!torch.Skip(plan.torch_skip, is_cancelled)) return cancelled;
    const std::vector<float> noise = DrawNoise(plan, torch);
    if (want.noise) std::memcpy(buffers.noise, noise.data(), noise.size() * 4);
    for (std::int64_t n = 0; n < plan.batch_size; ++n) {
      if (is_cancelled()) return cancelled;
      std::vector<std::int64_t> ids_shuffle = Argsort(&noise[static_cast<std::size_t>(n * L)], L);
      if (want.kept_order == KeptOrder::kRaster) std::sort(ids_shuffle.begin(), ids_shuffle.begin() + K);
      std::vector<std::int64_t> ids_restore(ids_shuffle.size());
      for (std::int64_t j = 0; j < L; ++j) ids_restore[ids_shuffle[j]] = j;
      for (std::int64_t j = 0; j < L; ++j) {
        const std::int64_t l = ids_shuffle[j];
        if (j < K) {
          if (want.ids_keep) StoreId(want.ids_type, l, buffers.ids_keep, n * K + j);
          if (want.kept_tokens) {
            std::memcpy(buffers.kept_tokens + (n * K + j) * plan.token_bytes,
                        buffers.tokens + (n * L + l) * plan.token_bytes, plan.token_bytes);
          }
        } else if (want.ids_mask) {
          StoreId(want.ids_type, l, buffers.ids_mask, n * (L - K) + j - K);
        }
      }
      for (std::int64_t l = 0; l < L; ++l) {
        const bool removed = ids_restore[l] >= K;
        if (want.ids_restore) StoreId(want.ids_type, ids_restore[l], buffers.ids_restore, n * L + l);
        if (want.mask) {
          StoreMaskBit(want.mask_type, removed == (want.mask_polarity == MaskPolarity::kMaskedIsOne),
                       buffers.mask + n * MaskRowBytes(want.mask_type, L), l);
        }
      }
    }
    return absl::OkStatus();
  }

  bool waits() const override { return false; }
  std::string backend() const override { return "reference"; }
  std::string device_name() const override { return "plain loops on one CPU thread"; }
};

}  // namespace

std::unique_ptr<Masker> MakeReferenceMasker() { return std::make_unique<ReferenceMasker>(); }

}  // namespace maskd
