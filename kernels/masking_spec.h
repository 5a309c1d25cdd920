// What a caller asks for, as it came: plain values, nothing checked.
//
// MakeMaskingPlan (masking_plan.h) turns a spec into a checked plan; nothing
// else reads one. The rule of every field is the one that
// proto/maskd/v1/masking.proto states for the field of the same name, and the
// enumerators have the numbers of the proto's, so that a value from the wire
// is cast, and checked once, by the plan.
#ifndef MASKD_KERNELS_MASKING_SPEC_H_
#define MASKD_KERNELS_MASKING_SPEC_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace maskd {

enum class KeepCountRule : int { kKeepTrunc = 0, kMaskTrunc = 1, kMaskCeil = 2, kKeepTruncMin1 = 3 };
enum class NoiseSource : int { kSeeded = 0, kProvided = 1, kTorchCpu = 2, kTorchCuda = 3 };
enum class NoiseDirection : int { kAscending = 0, kDescending = 1 };
enum class KeptOrder : int { kNoise = 0, kRaster = 1 };
enum class IdsType : int { kInt64 = 0, kInt32 = 1, kUint16 = 2 };
enum class MaskType : int { kFloat32 = 0, kUint8 = 1, kPackedBits = 2 };
enum class MaskPolarity : int { kMaskedIsOne = 0, kKeptIsOne = 1 };

struct ResultSelection {
  bool kept_tokens = false;
  bool mask = false;
  bool ids_restore = false;
  bool ids_keep = false;
  bool ids_mask = false;
  bool noise = false;
  KeptOrder kept_order = KeptOrder::kNoise;
  IdsType ids_type = IdsType::kInt64;
  MaskType mask_type = MaskType::kFloat32;
  MaskPolarity mask_polarity = MaskPolarity::kMaskedIsOne;

  friend bool operator==(const ResultSelection&, const ResultSelection&) = default;
};

// What one token is: token_dim elements of element_bytes each.
struct TokenType {
  std::int64_t token_dim = 0;
  std::int64_t element_bytes = 0;
};

// Which torch.rand on a CUDA device the noise is, beside the seed.
struct TorchCudaSpec {
  std::uint64_t offset = 0;  // of torch's generator before the draw
  std::int64_t multi_processor_count = 0;
  std::int64_t max_threads_per_multi_processor = 0;
  // Where the noise lies in the tensor that is drawn: a batch may be a part of it.
  std::int64_t first_element = 0;
  std::int64_t num_elements = 0;  // of that tensor; 0: N * L
};

// Spans refer to the caller's memory, which must outlive the spec and every
// plan made from it.
struct MaskingSpec {
  std::int64_t batch_size = 0;               // N
  std::int64_t sequence_length = 0;          // L
  std::optional<TokenType> token_type = {};  // not set: no tokens come, masks alone are drawn

  std::optional<double> mask_ratio = {};
  std::optional<std::int64_t> num_keep = {};  // overrides mask_ratio
  KeepCountRule keep_count_rule = KeepCountRule::kKeepTrunc;

  NoiseSource noise_source = NoiseSource::kSeeded;
  std::uint64_t seed = 0;
  std::uint64_t first_sample_id = 0;
  std::optional<std::span<const std::uint64_t>> sample_ids = {};  // [N], instead of first_sample_id
  std::uint32_t epoch = 0;
  std::uint32_t mask_index = 0;

  // For kProvided: float32 [N, L], any alignment.
  std::span<const std::byte> provided_noise = {};
  NoiseDirection noise_direction = NoiseDirection::kAscending;
  float seeded_noise_scale = 0;

  // For kTorchCpu: draws passed over first.
  std::uint64_t torch_skip = 0;

  TorchCudaSpec torch_cuda = {};  // for kTorchCuda

  ResultSelection selection = {};
};

}  // namespace maskd

#endif  // MASKD_KERNELS_MASKING_SPEC_H_
