#include "kernels/tensor_arguments.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

absl::Status CheckSameType(absl::string_view name, const TensorForm& form, absl::string_view as_name,
                           const TensorForm& as) {
  if (form.type == as.type && form.element_bytes() == as.element_bytes()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " has elements of type ", ElementTypeName(form.type),
                                                 ", ", form.element_bytes(), " bytes each, and ", as_name,
                                                 " of ", ElementTypeName(as.type), ", ", as.element_bytes(),
                                                 "; they must be the same"));
}

template <typename Enum>
absl::Status CheckKnown(absl::string_view name, Enum value, Enum last) {
  if (value >= Enum{} && value <= last) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is ", static_cast<int>(value), ", which is unknown"));
}

absl::Status CheckShape(absl::string_view name, const TensorForm& form, const Shape& shape,
                        absl::string_view rule) {
  if (form.shape == shape) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " has the shape ", ShapeName(form.shape), "; ", rule, ", ", ShapeName(shape)));
}

}  // namespace

absl::StatusOr<IndexPlan> MakeGatherPlan(const TensorForm& input, const TensorForm& index, std::int64_t dim,
                                         std::int64_t index_rank) {
  MASKD_ASSIGN_OR_RETURN(const IdsType index_type, IndexTypeOf("index", index));
  return MakeIndexPlan({.input_shape = input.shape,
                        .index_shape = index.shape,
                        .dim = dim,
                        .index_type = index_type,
                        .element_bytes = input.element_bytes(),
                        .index_rank = index_rank});
}

absl::StatusOr<IndexPlan> MakeScatterPlan(const TensorForm& input, const TensorForm& index,
                                          const TensorForm& src, std::int64_t dim, std::int64_t index_rank) {
  MASKD_ASSIGN_OR_RETURN(IndexPlan plan, MakeGatherPlan(input, index, dim, index_rank));
  MASKD_RETURN_IF_ERROR(CheckSameType("src", src, "input", input));
  MASKD_RETURN_IF_ERROR(
      CheckShape("src", src, plan.moved_shape, "it is that of the index, with what it lacks"));
  return plan;
}

absl::StatusOr<RestorePlan> MakeRestorePlan(const TensorForm& kept_tokens, const TensorForm& ids_restore,
                                            const TensorForm* fill, std::int64_t num_prefix) {
  const Shape& kept = kept_tokens.shape;
  MASKD_ASSIGN_OR_RETURN(const IdsType ids_type, IdsTypeOf("ids_restore", ids_restore));
  MASKD_ASSIGN_OR_RETURN(const RestorePlan plan, MakeRestorePlan(kept, kept_tokens.element_bytes(),
                                                                 ids_restore.shape, ids_type, num_prefix));
  if (fill != nullptr) {
    MASKD_RETURN_IF_ERROR(CheckSameType("fill", *fill, "kept_tokens", kept_tokens));
    MASKD_RETURN_IF_ERROR(CheckShape("fill", *fill, Shape(kept.begin() + 2, kept.end()), "it is one token"));
  }
  return plan;
}

absl::StatusOr<SelectPlan> MakeSelectPlan(const TensorForm& input, const TensorForm& mask) {
  MASKD_ASSIGN_OR_RETURN(const BooleanType mask_type, BooleanTypeOf("mask", mask));
  return MakeSelectPlan(input.shape, input.element_bytes(), mask.shape, mask_type);
}

absl::StatusOr<PadPlan> MakePadPlan(const TensorForm& values, PadSpec spec, std::size_t padding_bytes) {
  if (padding_bytes != 0 && static_cast<std::int64_t>(padding_bytes) != values.element_bytes()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "padding_value has ", padding_bytes, " bytes; an element of values has ", values.element_bytes()));
  }
  MASKD_RETURN_IF_ERROR(CheckKnown("mask_type", spec.mask_type, MaskType::kPackedBits));
  if (spec.padded_length < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("padded_length is ", spec.padded_length, "; it is 0 or more"));
  }
  spec.values_shape = values.shape;
  spec.element_bytes = values.element_bytes();
  return MakePadPlan(spec);
}

TensorForm MaskForm(const PadPlan& plan) {
  const bool narrow = plan.mask_type == MaskType::kUint8;
  return {.type = narrow ? ElementType::kUint8 : ElementType::kFloat32, .shape = plan.mask_shape};
}

absl::StatusOr<NllPlan> MakeNllPlan(const TensorForm& scores, const TensorForm& target,
                                    const TensorForm& mask, ScoreKind kind) {
  MASKD_ASSIGN_OR_RETURN(const FloatType score_type, FloatTypeOf("scores", scores));
  MASKD_ASSIGN_OR_RETURN(const IdsType target_type, IndexTypeOf("target", target));
  MASKD_ASSIGN_OR_RETURN(const BooleanType mask_type, BooleanTypeOf("mask", mask));
  MASKD_RETURN_IF_ERROR(CheckKnown("kind", kind, ScoreKind::kLogits));
  return MakeNllPlan(scores.shape, score_type, kind, target.shape, target_type, mask.shape, mask_type);
}

absl::StatusOr<ReconstructionPlan> MakeReconstructionPlan(const TensorForm& prediction,
                                                          const TensorForm& target, const TensorForm& mask,
                                                          ReconstructionSpec spec) {
  MASKD_RETURN_IF_ERROR(CheckKnown("target_layout", spec.target_layout, ImageLayout::kChannelsLast));
  MASKD_ASSIGN_OR_RETURN(spec.prediction_type, FloatTypeOf("prediction", prediction));
  MASKD_ASSIGN_OR_RETURN(spec.target_type, FloatTypeOf("target", target));
  MASKD_ASSIGN_OR_RETURN(spec.mask_type, BooleanTypeOf("mask", mask));
  spec.prediction_shape = prediction.shape;
  spec.target_shape = target.shape;
  spec.mask_shape = mask.shape;
  return MakeReconstructionPlan(spec);
}

}  // namespace maskd
