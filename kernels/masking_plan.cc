#include "kernels/masking_plan.h"

#include <cmath>
#include <initializer_list>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/keep_count.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status CheckRange(absl::string_view field, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return Invalid(field, " is ", value, "; it must be in [", low, ", ", high, "]");
}

absl::Status CheckAtLeastOne(absl::string_view field, std::int64_t value) {
  if (value >= 1) return absl::OkStatus();
  return Invalid(field, " is ", value, "; it must be at least 1");
}

// An enumerator that came from the wire by a cast.
template <typename Enum>
absl::Status CheckEnumerator(absl::string_view field, Enum value, Enum last) {
  if (static_cast<int>(value) >= 0 && static_cast<int>(value) <= static_cast<int>(last))
    return absl::OkStatus();
  return Invalid(field, " is ", static_cast<int>(value), "; the values known here are 0 to ",
                 static_cast<int>(last));
}

absl::Status FirstError(std::initializer_list<absl::Status> statuses) {
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Products of sizes that are at least 0. Once one overflows, all are invalid.
class CheckedProduct {
 public:
  std::int64_t operator()(std::int64_t a, std::int64_t b) {
    std::int64_t product = 0;
    overflowed_ |= __builtin_mul_overflow(a, b, &product);
    return product;
  }
  bool overflowed() const { return overflowed_; }

 private:
  bool overflowed_ = false;
};

absl::StatusOr<std::int64_t> PlanNumKeep(const MaskingSpec& spec) {
  const std::int64_t length = spec.sequence_length;
  if (spec.mask_ratio.has_value() && !(*spec.mask_ratio >= 0.0 && *spec.mask_ratio < 1.0)) {
    return Invalid("mask_ratio is ", *spec.mask_ratio, "; it must be in [0, 1)");
  }
  if (spec.num_keep.has_value()) {
    if (*spec.num_keep < 0 || *spec.num_keep > length) {
      return Invalid("num_keep is ", *spec.num_keep,
                     "; it must be in [0, sequence_length], and sequence_length is ", length);
    }
    return *spec.num_keep;
  }
  if (!spec.mask_ratio.has_value())
    return Invalid("neither mask_ratio nor num_keep is set; one of them must be");
  const std::int64_t num_keep = CountKept(length, *spec.mask_ratio, spec.keep_count_rule);
  if (num_keep == 0) {
    return Invalid(
        "mask_ratio ", *spec.mask_ratio, " keeps no token of sequence_length ", length,
        "; lower mask_ratio, take keep_count_rule KEEP_TRUNC_MIN_1, or set num_keep = 0 if that is meant");
  }
  return num_keep;
}

std::int64_t TorchCudaElements(const MaskingSpec& spec) {
  return spec.torch_cuda.num_elements != 0 ? spec.torch_cuda.num_elements
                                           : spec.batch_size * spec.sequence_length;
}

absl::Status CheckTorchCuda(const MaskingSpec& spec) {
  constexpr std::int64_t kMaxDeviceSize = 65535;  // beyond every device, and no product overflows
  const TorchCudaSpec& torch = spec.torch_cuda;
  if (torch.offset % 4 != 0) {
    return Invalid("offset is ", torch.offset,
                   "; it must be a multiple of 4, as that of a torch generator is");
  }
  MASKD_RETURN_IF_ERROR(FirstError({
      CheckRange("multi_processor_count", torch.multi_processor_count, 1, kMaxDeviceSize),
      CheckRange("max_threads_per_multi_processor", torch.max_threads_per_multi_processor,
                 kTorchCudaBlockThreads, kMaxDeviceSize),
      CheckRange("first_element", torch.first_element, 0, kMaxTorchCudaElements),
  }));
  const std::int64_t end = torch.first_element + spec.batch_size * spec.sequence_length;
  const std::int64_t num_elements = TorchCudaElements(spec);
  if (num_elements > kMaxTorchCudaElements) {
    return Invalid("torch_cuda draws ", num_elements, " elements; it must be at most ", kMaxTorchCudaElements,
                   ", beyond which torch.rand makes several draws");
  }
  if (num_elements < end) {
    return Invalid("num_elements is ", num_elements, "; first_element ", torch.first_element,
                   " + batch_size * sequence_length is ", end, ", and must not be beyond it");
  }
  return absl::OkStatus();
}

absl::Status CheckNoise(const MaskingSpec& spec, std::int64_t noise_bytes) {
  if (spec.epoch >= kEpochEnd) return Invalid("epoch is ", spec.epoch, "; it must be below ", kEpochEnd);
  if (spec.mask_index >= kMaskIndexEnd) {
    return Invalid("mask_index is ", spec.mask_index, "; it must be below ", kMaskIndexEnd);
  }
  if (spec.sample_ids.has_value() && spec.sample_ids->size() != static_cast<std::uint64_t>(spec.batch_size)) {
    return Invalid("sample_ids has ", spec.sample_ids->size(),
                   " ids; it must have one a sample, and batch_size is ", spec.batch_size);
  }
  switch (spec.noise_source) {
    case NoiseSource::kSeeded:
      break;
    case NoiseSource::kProvided:
      if (spec.provided_noise.size() != static_cast<std::uint64_t>(noise_bytes)) {
        return Invalid("noise has ", spec.provided_noise.size(), " bytes; float32 [", spec.batch_size, ", ",
                       spec.sequence_length, "] has ", noise_bytes);
      }
      if (!std::isfinite(spec.seeded_noise_scale)) {
        return Invalid("seeded_noise_scale is ", spec.seeded_noise_scale, "; it must be finite");
      }
      break;
    case NoiseSource::kTorchCpu:
      if (spec.torch_skip > kMaxTorchSkip) {
        return Invalid("skip is ", spec.torch_skip, "; it must be at most ", kMaxTorchSkip);
      }
      break;
    case NoiseSource::kTorchCuda:
      return CheckTorchCuda(spec);
  }
  return absl::OkStatus();
}

absl::Status CheckSelection(const MaskingSpec& spec) {
  const ResultSelection& selection = spec.selection;
  if (!(selection.kept_tokens || selection.mask || selection.ids_restore || selection.ids_keep ||
        selection.ids_mask || selection.noise)) {
    return Invalid("no result is selected; select at least one");
  }
  if (selection.kept_tokens && !spec.token_type.has_value()) {
    return Invalid(
        "selection.results has KEPT_TOKENS, and no tokens come with this call; call RandomMasking");
  }
  if (selection.ids_type == IdsType::kUint16 && spec.sequence_length > 65536) {
    return Invalid("ids_type is UINT16 and sequence_length is ", spec.sequence_length,
                   "; uint16 holds ids of at most 65536 tokens, take INT32");
  }
  return absl::OkStatus();
}

}  // namespace

std::int64_t IdBytes(IdsType type) {
  switch (type) {
    case IdsType::kInt64:
      return 8;
    case IdsType::kInt32:
      return 4;
    case IdsType::kUint16:
      return 2;
  }
  return 0;
}

std::int64_t MaskRowBytes(MaskType type, std::int64_t sequence_length) {
  switch (type) {
    case MaskType::kFloat32:
      return sequence_length * 4;
    case MaskType::kUint8:
      return sequence_length;
    case MaskType::kPackedBits:
      return (sequence_length + 7) / 8;
  }
  return 0;
}

absl::StatusOr<MaskingPlan> MakeMaskingPlan(const MaskingSpec& spec) {
  const ResultSelection& selection = spec.selection;
  const TokenType token_type = spec.token_type.value_or(TokenType{1, 1});
  MASKD_RETURN_IF_ERROR(FirstError({
      CheckAtLeastOne("batch_size", spec.batch_size),
      CheckRange("sequence_length", spec.sequence_length, 1, kMaxSequenceLength),
      CheckAtLeastOne("token_dim", token_type.token_dim),
      CheckRange("element_bytes", token_type.element_bytes, 1, kMaxElementBytes),
      CheckEnumerator("keep_count_rule", spec.keep_count_rule, KeepCountRule::kKeepTruncMin1),
      CheckEnumerator("noise_source", spec.noise_source, NoiseSource::kTorchCuda),
      CheckEnumerator("direction", spec.noise_direction, NoiseDirection::kDescending),
      CheckEnumerator("kept_order", selection.kept_order, KeptOrder::kRaster),
      CheckEnumerator("ids_type", selection.ids_type, IdsType::kUint16),
      CheckEnumerator("mask_type", selection.mask_type, MaskType::kPackedBits),
      CheckEnumerator("mask_polarity", selection.mask_polarity, MaskPolarity::kKeptIsOne),
      CheckSelection(spec),
  }));
  MASKD_ASSIGN_OR_RETURN(const std::int64_t num_keep, PlanNumKeep(spec));

  CheckedProduct product;
  const std::int64_t batch_tokens = product(spec.batch_size, spec.sequence_length);
  const std::int64_t kept = product(spec.batch_size, num_keep);
  const std::int64_t token_bytes =
      spec.token_type.has_value() ? product(token_type.token_dim, token_type.element_bytes) : 0;
  const std::int64_t id_bytes = IdBytes(selection.ids_type);
  // Computed whether selected or not, so that their sum is safe for any
  // selection; 64 bytes a token bound all results but the kept tokens.
  const std::int64_t tokens_bytes = product(batch_tokens, token_bytes);
  const std::int64_t noise_bytes = product(batch_tokens, 4);
  product(product(batch_tokens, 64), 2);
  product(tokens_bytes, 2);
  if (product.overflowed()) {
    return Invalid("batch_size ", spec.batch_size, " * sequence_length ", spec.sequence_length,
                   spec.token_type.has_value() ? absl::StrCat(" * token_dim ", token_type.token_dim,
                                                              " * element_bytes ", token_type.element_bytes)
                                               : "",
                   " overflows 63 bits");
  }
  MASKD_RETURN_IF_ERROR(CheckNoise(spec, noise_bytes));

  MaskingPlan plan;
  plan.batch_size = spec.batch_size;
  plan.sequence_length = spec.sequence_length;
  plan.num_keep = num_keep;
  plan.token_bytes = token_bytes;
  plan.noise_source = spec.noise_source;
  plan.seed = spec.seed;
  plan.first_sample_id = spec.first_sample_id;
  plan.sample_ids = spec.sample_ids.has_value() ? spec.sample_ids->data() : nullptr;
  plan.epoch = spec.epoch;
  plan.mask_index = spec.mask_index;
  plan.provided_noise = spec.noise_source == NoiseSource::kProvided ? spec.provided_noise.data() : nullptr;
  plan.noise_direction = spec.noise_direction;
  plan.seeded_noise_scale = spec.seeded_noise_scale;
  plan.torch_skip = spec.torch_skip;
  plan.torch_cuda = {};
  if (spec.noise_source == NoiseSource::kTorchCuda) {
    plan.torch_cuda = {
        .seed = spec.seed,
        .offset = spec.torch_cuda.offset,
        .num_threads = TorchCudaThreads(TorchCudaElements(spec), spec.torch_cuda.multi_processor_count,
                                        spec.torch_cuda.max_threads_per_multi_processor),
        .first_element = static_cast<std::uint32_t>(spec.torch_cuda.first_element)};
  }
  plan.selection = selection;
  plan.tokens_bytes = tokens_bytes;
  plan.result_bytes = {
      .kept_tokens = selection.kept_tokens ? kept * token_bytes : 0,
      .mask = selection.mask ? spec.batch_size * MaskRowBytes(selection.mask_type, spec.sequence_length) : 0,
      .ids_restore = selection.ids_restore ? batch_tokens * id_bytes : 0,
      .ids_keep = selection.ids_keep ? kept * id_bytes : 0,
      .ids_mask = selection.ids_mask ? (batch_tokens - kept) * id_bytes : 0,
      .noise = selection.noise ? noise_bytes : 0,
  };
  return plan;
}

}  // namespace maskd
