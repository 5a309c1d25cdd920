#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/c_abi/client.h"
#include "client/c_abi/error.h"
#include "client/c_abi/structs.h"
#include "client/maskd.h"
#include "client/masking_client.h"
#include "client/sharded_client.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "kernels/masking_spec.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

static_assert(static_cast<int>(KeepCountRule::kKeepTrunc) == MASKD_KEEP_TRUNC &&
              static_cast<int>(KeepCountRule::kMaskTrunc) == MASKD_MASK_TRUNC &&
              static_cast<int>(KeepCountRule::kMaskCeil) == MASKD_MASK_CEIL &&
              static_cast<int>(KeepCountRule::kKeepTruncMin1) == MASKD_KEEP_TRUNC_MIN_1);
static_assert(static_cast<int>(NoiseSource::kSeeded) == MASKD_NOISE_SEEDED &&
              static_cast<int>(NoiseSource::kProvided) == MASKD_NOISE_PROVIDED &&
              static_cast<int>(NoiseSource::kTorchCpu) == MASKD_NOISE_TORCH_CPU &&
              static_cast<int>(NoiseSource::kTorchCuda) == MASKD_NOISE_TORCH_CUDA);
static_assert(static_cast<int>(NoiseDirection::kDescending) == MASKD_NOISE_DESCENDING &&
              static_cast<int>(KeptOrder::kRaster) == MASKD_ORDER_RASTER &&
              static_cast<int>(IdsType::kInt64) == MASKD_IDS_INT64 &&
              static_cast<int>(IdsType::kInt32) == MASKD_IDS_INT32 &&
              static_cast<int>(IdsType::kUint16) == MASKD_IDS_UINT16);
static_assert(static_cast<int>(MaskType::kFloat32) == MASKD_MASK_FLOAT32 &&
              static_cast<int>(MaskType::kUint8) == MASKD_MASK_UINT8 &&
              static_cast<int>(MaskType::kPackedBits) == MASKD_MASK_PACKED_BITS &&
              static_cast<int>(MaskPolarity::kKeptIsOne) == MASKD_KEPT_IS_ONE);

constexpr std::uint32_t kAllResults = MASKD_NOISE * 2 - 1;

absl::StatusOr<ResultSelection> DecodeSelection(const maskd_masking_spec& spec) {
  if ((spec.selection & ~kAllResults) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("selection is ", spec.selection, "; the results known here are up to ", kAllResults));
  }
  const auto selects = [&spec](std::uint32_t result) { return (spec.selection & result) != 0; };
  return ResultSelection{.kept_tokens = selects(MASKD_KEPT_TOKENS),
                         .mask = selects(MASKD_MASK),
                         .ids_restore = selects(MASKD_IDS_RESTORE),
                         .ids_keep = selects(MASKD_IDS_KEEP),
                         .ids_mask = selects(MASKD_IDS_MASK),
                         .noise = selects(MASKD_NOISE),
                         .kept_order = static_cast<KeptOrder>(spec.kept_order),
                         .ids_type = static_cast<IdsType>(spec.ids_type),
                         .mask_type = static_cast<MaskType>(spec.mask_type),
                         .mask_polarity = static_cast<MaskPolarity>(spec.mask_polarity)};
}

// Refers to the sample ids and the noise of the caller.
absl::StatusOr<MaskingSpec> DecodeSpec(const maskd_masking_spec* from, bool has_tokens) {
  MASKD_ASSIGN_OR_RETURN(const maskd_masking_spec given, ReadStruct("maskd_masking_spec", from));
  MaskingSpec spec = {
      .batch_size = given.batch_size,
      .sequence_length = given.sequence_length,
      .keep_count_rule = static_cast<KeepCountRule>(given.keep_count_rule),
      .noise_source = static_cast<NoiseSource>(given.noise_source),
      .seed = given.seed,
      .first_sample_id = given.first_sample_id,
      .epoch = given.epoch,
      .mask_index = given.mask_index,
      .noise_direction = static_cast<NoiseDirection>(given.noise_direction),
      .seeded_noise_scale = given.seeded_noise_scale,
      .torch_skip = given.torch_skip,
      .torch_cuda = {.offset = given.torch_cuda_offset,
                     .multi_processor_count = given.torch_cuda_multi_processor_count,
                     .max_threads_per_multi_processor = given.torch_cuda_max_threads_per_multi_processor,
                     .first_element = given.torch_cuda_first_element,
                     .num_elements = given.torch_cuda_num_elements}};
  if (has_tokens) spec.token_type = TokenType{given.token_dim, given.element_bytes};
  if (given.has_mask_ratio != 0) spec.mask_ratio = given.mask_ratio;
  if (given.has_num_keep != 0) spec.num_keep = given.num_keep;
  // The plan refuses sizes of which these are not the products.
  const auto batch_size = static_cast<std::size_t>(given.batch_size);
  if (given.sample_ids != nullptr) spec.sample_ids = std::span(given.sample_ids, batch_size);
  if (given.provided_noise != nullptr) {
    const std::size_t count = batch_size * static_cast<std::size_t>(given.sequence_length);
    spec.provided_noise = std::as_bytes(std::span(given.provided_noise, count));
  }
  MASKD_ASSIGN_OR_RETURN(spec.selection, DecodeSelection(given));
  return spec;
}

absl::StatusOr<MaskingBuffers> DecodeResults(const maskd_masking_results* results, const ResultBytes& bytes) {
  MASKD_ASSIGN_OR_RETURN(const maskd_masking_results given, ReadStruct("maskd_masking_results", results));
  absl::Status status;
  const auto place = [&status](void* result, std::int64_t size, const char* name) {
    if (result == nullptr && size > 0) {
      status.Update(absl::InvalidArgumentError(absl::StrCat(name, " is selected, and its result is NULL")));
    }
    return static_cast<std::byte*>(result);
  };
  const MaskingBuffers buffers = {.kept_tokens = place(given.kept_tokens, bytes.kept_tokens, "kept_tokens"),
                                  .mask = place(given.mask, bytes.mask, "mask"),
                                  .ids_restore = place(given.ids_restore, bytes.ids_restore, "ids_restore"),
                                  .ids_keep = place(given.ids_keep, bytes.ids_keep, "ids_keep"),
                                  .ids_mask = place(given.ids_mask, bytes.ids_mask, "ids_mask"),
                                  .noise = place(given.noise, bytes.noise, "noise")};
  MASKD_RETURN_IF_ERROR(status);
  return buffers;
}

// Both calls: `call` makes it with what the structs say.
template <typename Call>
maskd_error* MaskWith(maskd_client* client, const maskd_masking_spec* spec, bool has_tokens,
                      const maskd_masking_results* results, const maskd_call_limits* limits,
                      maskd_masking_facts* facts, const Call& call) {
  return Guarded([&]() -> absl::Status {
    MASKD_RETURN_IF_ERROR(CheckClient(client));
    if (facts != nullptr) MASKD_RETURN_IF_ERROR(CheckStructSize("maskd_masking_facts", facts));
    MASKD_ASSIGN_OR_RETURN(const MaskingSpec decoded, DecodeSpec(spec, has_tokens));
    MASKD_ASSIGN_OR_RETURN(const CallLimits call_limits, DecodeCallLimits(limits));
    MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(decoded));
    MASKD_ASSIGN_OR_RETURN(const MaskingBuffers buffers, DecodeResults(results, plan.result_bytes));
    MASKD_ASSIGN_OR_RETURN(const MaskingFacts masked, call(decoded, buffers, call_limits));
    if (facts != nullptr) {
      maskd_masking_facts values = {.struct_size = 0,
                                    .num_keep = masked.num_keep,
                                    .algorithm_version = masked.algorithm_version,
                                    .backend = {}};
      masked.backend.copy(values.backend, sizeof(values.backend) - 1);
      WriteStruct(values, facts);
    }
    return absl::OkStatus();
  });
}

}  // namespace
}  // namespace maskd

extern "C" {

maskd_error* maskd_plan_masking(const maskd_masking_spec* spec, maskd_masking_sizes* sizes) {
  return maskd::Guarded([&]() -> absl::Status {
    MASKD_RETURN_IF_ERROR(maskd::CheckStructSize("maskd_masking_sizes", sizes));
    MASKD_ASSIGN_OR_RETURN(const maskd_masking_spec given, maskd::ReadStruct("maskd_masking_spec", spec));
    MASKD_ASSIGN_OR_RETURN(const maskd::MaskingSpec decoded, maskd::DecodeSpec(spec, given.token_dim != 0));
    MASKD_ASSIGN_OR_RETURN(const maskd::MaskingPlan plan, maskd::MakeMaskingPlan(decoded));
    const maskd::ResultBytes& bytes = plan.result_bytes;
    maskd::WriteStruct(maskd_masking_sizes{.struct_size = 0,
                                           .num_keep = plan.num_keep,
                                           .tokens_bytes = plan.tokens_bytes,
                                           .kept_tokens_bytes = bytes.kept_tokens,
                                           .mask_bytes = bytes.mask,
                                           .ids_restore_bytes = bytes.ids_restore,
                                           .ids_keep_bytes = bytes.ids_keep,
                                           .ids_mask_bytes = bytes.ids_mask,
                                           .noise_bytes = bytes.noise},
                       sizes);
    return absl::OkStatus();
  });
}

maskd_error* maskd_random_masking(maskd_client* client, const maskd_masking_spec* spec, const void* tokens,
                                  size_t tokens_bytes, const maskd_masking_results* results,
                                  const maskd_call_limits* limits, maskd_masking_facts* facts) {
  const std::span bytes(static_cast<const std::byte*>(tokens), tokens_bytes);
  return maskd::MaskWith(client, spec, true, results, limits, facts,
                         [&](const maskd::MaskingSpec& decoded, const maskd::MaskingBuffers& buffers,
                             const maskd::CallLimits& call_limits) {
                           return client->client->RandomMasking(decoded, bytes, buffers, call_limits);
                         });
}

maskd_error* maskd_generate_mask(maskd_client* client, const maskd_masking_spec* spec,
                                 const maskd_masking_results* results, const maskd_call_limits* limits,
                                 maskd_masking_facts* facts) {
  return maskd::MaskWith(client, spec, false, results, limits, facts,
                         [&](const maskd::MaskingSpec& decoded, const maskd::MaskingBuffers& buffers,
                             const maskd::CallLimits& call_limits) {
                           return client->client->GenerateMask(decoded, buffers, call_limits);
                         });
}

}  // extern "C"
