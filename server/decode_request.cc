#include "server/decode_request.h"

#include <cstddef>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

// The enumerators of MaskingSpec are the wire's, so a cast translates, also an
// unknown value, which the plan then refuses.
static_assert(static_cast<int>(KeepCountRule::kMaskTrunc) == v1::KEEP_COUNT_RULE_MASK_TRUNC);
static_assert(static_cast<int>(KeepCountRule::kMaskCeil) == v1::KEEP_COUNT_RULE_MASK_CEIL);
static_assert(static_cast<int>(KeepCountRule::kKeepTruncMin1) == v1::KEEP_COUNT_RULE_KEEP_TRUNC_MIN_1);
static_assert(static_cast<int>(NoiseDirection::kDescending) == v1::NOISE_DIRECTION_DESCENDING);
static_assert(static_cast<int>(KeptOrder::kRaster) == v1::KEPT_ORDER_RASTER);
static_assert(static_cast<int>(IdsType::kInt32) == v1::IDS_TYPE_INT32);
static_assert(static_cast<int>(IdsType::kUint16) == v1::IDS_TYPE_UINT16);
static_assert(static_cast<int>(MaskType::kUint8) == v1::MASK_TYPE_UINT8);
static_assert(static_cast<int>(MaskType::kPackedBits) == v1::MASK_TYPE_PACKED_BITS);
static_assert(static_cast<int>(MaskPolarity::kKeptIsOne) == v1::MASK_POLARITY_KEPT_IS_ONE);

absl::StatusOr<ResultSelection> DecodeSelection(const v1::ResultSelection& message, bool with_tokens) {
  ResultSelection selection;
  for (const int result : message.results()) {
    switch (result) {
      case v1::MASKING_RESULT_KEPT_TOKENS:
        selection.kept_tokens = true;
        break;
      case v1::MASKING_RESULT_MASK:
        selection.mask = true;
        break;
      case v1::MASKING_RESULT_IDS_RESTORE:
        selection.ids_restore = true;
        break;
      case v1::MASKING_RESULT_IDS_KEEP:
        selection.ids_keep = true;
        break;
      case v1::MASKING_RESULT_IDS_MASK:
        selection.ids_mask = true;
        break;
      case v1::MASKING_RESULT_NOISE:
        selection.noise = true;
        break;
      default:
        return absl::InvalidArgumentError(
            absl::StrCat("selection.results has ", result, "; the values known here are ",
                         v1::MASKING_RESULT_KEPT_TOKENS, " to ", v1::MASKING_RESULT_NOISE));
    }
  }
  if (message.results().empty()) {
    selection.kept_tokens = with_tokens;
    selection.mask = true;
    selection.ids_restore = true;
  }
  selection.kept_order = static_cast<KeptOrder>(message.kept_order());
  selection.ids_type = static_cast<IdsType>(message.ids_type());
  selection.mask_type = static_cast<MaskType>(message.mask_type());
  selection.mask_polarity = static_cast<MaskPolarity>(message.mask_polarity());
  return selection;
}

void DecodeNoise(const v1::MaskSpec& message, MaskingSpec& spec) {
  switch (message.noise_source_case()) {
    case v1::MaskSpec::kProvided: {
      const v1::ProvidedNoise& provided = message.provided();
      spec.noise_source = NoiseSource::kProvided;
      spec.noise_direction = static_cast<NoiseDirection>(provided.direction());
      spec.seeded_noise_scale = provided.seeded_noise_scale();
      spec.provided_noise = std::as_bytes(std::span(provided.noise()));
      break;
    }
    case v1::MaskSpec::kTorchCpu:
      spec.noise_source = NoiseSource::kTorchCpu;
      spec.torch_skip = message.torch_cpu().skip();
      break;
    case v1::MaskSpec::kTorchCuda: {
      const v1::TorchCudaNoise& torch = message.torch_cuda();
      spec.noise_source = NoiseSource::kTorchCuda;
      spec.torch_cuda = {.offset = torch.offset(),
                         .multi_processor_count = torch.multi_processor_count(),
                         .max_threads_per_multi_processor = torch.max_threads_per_multi_processor(),
                         .first_element = torch.first_element(),
                         .num_elements = torch.num_elements()};
      break;
    }
    case v1::MaskSpec::kSeeded:
    case v1::MaskSpec::NOISE_SOURCE_NOT_SET:
      spec.noise_source = NoiseSource::kSeeded;
      break;
  }
  spec.seed = message.seed();
  spec.epoch = message.epoch();
  spec.mask_index = message.mask_index();
  spec.first_sample_id = message.first_sample_id();
  if (message.has_sample_ids()) {
    const auto& ids = message.sample_ids().ids();
    spec.sample_ids = std::span(ids.data(), static_cast<std::size_t>(ids.size()));
  }
}

// What both requests share. `Request` is a message with layout, spec and
// selection.
template <typename Request>
absl::StatusOr<MaskingSpec> Decode(const Request& request, std::optional<TokenType> token_type) {
  MaskingSpec spec;
  spec.batch_size = request.layout().batch_size();
  spec.sequence_length = request.layout().sequence_length();
  spec.token_type = token_type;
  const v1::MaskSpec& message = request.spec();
  if (message.has_mask_ratio()) spec.mask_ratio = message.mask_ratio();
  if (message.has_num_keep()) spec.num_keep = message.num_keep();
  spec.keep_count_rule = static_cast<KeepCountRule>(message.keep_count_rule());
  DecodeNoise(message, spec);
  MASKD_ASSIGN_OR_RETURN(spec.selection, DecodeSelection(request.selection(), token_type.has_value()));
  return spec;
}

}  // namespace

absl::StatusOr<MaskingSpec> DecodeSpec(const v1::RandomMaskingRequest& request) {
  return Decode(request, TokenType{request.layout().token_dim(), request.layout().element_bytes()});
}

absl::StatusOr<MaskingSpec> DecodeSpec(const v1::BatchHeader& header) {
  return Decode(header, TokenType{header.layout().token_dim(), header.layout().element_bytes()});
}

absl::StatusOr<MaskingSpec> DecodeSpec(const v1::GenerateMaskRequest& request) {
  return Decode(request, std::nullopt);
}

}  // namespace maskd
