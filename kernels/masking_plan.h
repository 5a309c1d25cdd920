// A checked masking: every value in range, every size computed.
#ifndef MASKD_KERNELS_MASKING_PLAN_H_
#define MASKD_KERNELS_MASKING_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "kernels/masking_spec.h"
#include "kernels/torch_cuda_noise.h"

namespace maskd {

// Version of seeded noise and of its order. The same version gives the same
// masks; a change of one bit is a new version.
inline constexpr std::uint32_t kAlgorithmVersion = 1;

inline constexpr std::int64_t kMaxSequenceLength = std::int64_t{1} << 24;
inline constexpr std::int64_t kMaxElementBytes = 16;
inline constexpr std::uint32_t kEpochEnd = 1u << 24;
inline constexpr std::uint32_t kMaskIndexEnd = 1u << 8;
inline constexpr std::uint64_t kMaxTorchSkip = std::uint64_t{1} << 30;
inline constexpr std::int64_t kMaxTorchCudaElements = std::int64_t{1} << 29;  // torch splits larger draws

// Size of each result in bytes, 0 where it was not selected.
struct ResultBytes {
  std::int64_t kept_tokens = 0;
  std::int64_t mask = 0;
  std::int64_t ids_restore = 0;
  std::int64_t ids_keep = 0;
  std::int64_t ids_mask = 0;
  std::int64_t noise = 0;

  std::int64_t total() const { return kept_tokens + mask + ids_restore + ids_keep + ids_mask + noise; }
};

// Made by MakeMaskingPlan alone; backends rely on what it checked. Copies are
// cheap. Refers to the caller's sample ids and noise (see MaskingSpec).
struct MaskingPlan {
  std::int64_t batch_size;       // N >= 1
  std::int64_t sequence_length;  // L, 1 <= L <= 2^24
  std::int64_t num_keep;         // K, 0 <= K <= L
  std::int64_t token_bytes;      // >= 1; 0 if no tokens come

  NoiseSource noise_source;
  std::uint64_t seed;
  std::uint64_t first_sample_id;
  const std::uint64_t* sample_ids;  // [N], or null: counted up from first_sample_id
  std::uint32_t epoch;              // < 2^24
  std::uint32_t mask_index;         // < 256
  const std::byte* provided_noise;  // float32 [N, L], any alignment; null unless kProvided
  NoiseDirection noise_direction;
  float seeded_noise_scale;  // finite
  std::uint64_t torch_skip;
  TorchCudaStream torch_cuda;  // num_threads 0 unless kTorchCuda

  ResultSelection selection;
  std::int64_t tokens_bytes;  // N * L * token_bytes, checked not to overflow
  ResultBytes result_bytes;

  std::uint64_t SampleId(std::int64_t n) const {
    return sample_ids != nullptr ? sample_ids[n] : first_sample_id + static_cast<std::uint64_t>(n);
  }

 private:
  MaskingPlan() = default;
  friend absl::StatusOr<MaskingPlan> MakeMaskingPlan(const MaskingSpec& spec);
};

// Checks `spec` against the rules of proto/maskd/v1/masking.proto. Allocates
// nothing.
//
// Returns INVALID_ARGUMENT with field, value and rule of the first rule broken.
absl::StatusOr<MaskingPlan> MakeMaskingPlan(const MaskingSpec& spec);

// Size of one id, or one row of ids or mask, in bytes.
std::int64_t IdBytes(IdsType type);
std::int64_t MaskRowBytes(MaskType type, std::int64_t sequence_length);

}  // namespace maskd

#endif  // MASKD_KERNELS_MASKING_PLAN_H_
