// The operations that move elements: what their requests must be, and what is done.
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.pb.h"
#include "maskd/v1/tensor_service.pb.h"
#include "server/tensor_call.h"

namespace maskd {
namespace {

// The enumerators of the plans are the wire's, so a cast translates a known value.
static_assert(static_cast<int>(MaskType::kFloat32) == v1::MASK_TYPE_FLOAT32);
static_assert(static_cast<int>(MaskType::kUint8) == v1::MASK_TYPE_UINT8);

absl::Status CheckSameType(const TensorArray& array, const TensorArray& as) {
  if (array.type.element_type == as.type.element_type && array.type.element_bytes == as.type.element_bytes)
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      array.name, " has elements of type ", v1::ElementType_Name(array.type.element_type), ", ",
      array.type.element_bytes, " bytes each, and ", as.name, " of ",
      v1::ElementType_Name(as.type.element_type), ", ", as.type.element_bytes, "; they must be the same"));
}

absl::Status CheckShape(const TensorArray& array, const Shape& shape, absl::string_view rule) {
  if (array.shape == shape) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(array.name, " has the shape ", ShapeName(array.shape), "; ",
                                                 rule, ", ", ShapeName(shape)));
}

// The plan of the request's index into `input`.
template <typename Request>
absl::StatusOr<IndexPlan> PlanOf(const Request& fields, const TensorArray& input, const TensorArray& index) {
  MASKD_ASSIGN_OR_RETURN(const IdsType index_type, IndexTypeOf(index));
  return MakeIndexPlan({.input_shape = input.shape,
                        .index_shape = index.shape,
                        .dim = fields.dim(),
                        .index_type = index_type,
                        .element_bytes = input.type.element_bytes,
                        .index_rank = fields.index_rank()});
}

}  // namespace

absl::StatusOr<TensorWork> PlanGather(TensorCall& call) {
  v1::GatherRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const auto* const input, call.request().Array("input", 1, fields.input()));
  MASKD_ASSIGN_OR_RETURN(const auto* const index, call.request().Array("index", 2, fields.index()));
  MASKD_ASSIGN_OR_RETURN(IndexPlan plan, PlanOf(fields, *input, *index));
  const std::int64_t output_bytes = plan.moved_bytes();
  auto compute = [&call, input, index, plan = std::move(plan)]() -> absl::Status {
    std::byte* output = nullptr;
    MASKD_RETURN_IF_ERROR(call.Respond({{1, input->type, plan.moved_shape, &output}}));
    return call.ops().Gather(plan, input->data, index->data, output);
  };
  return TensorWork{.result_bytes = output_bytes, .compute = std::move(compute)};
}

namespace {

absl::StatusOr<TensorWork> PlanScatterOrAdd(TensorCall& call, bool add) {
  v1::ScatterRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const auto* const input, call.request().Array("input", 1, fields.input()));
  MASKD_ASSIGN_OR_RETURN(const auto* const index, call.request().Array("index", 2, fields.index()));
  MASKD_ASSIGN_OR_RETURN(const auto* const src, call.request().Array("src", 3, fields.src()));
  MASKD_ASSIGN_OR_RETURN(IndexPlan plan, PlanOf(fields, *input, *index));
  MASKD_RETURN_IF_ERROR(CheckSameType(*src, *input));
  MASKD_RETURN_IF_ERROR(CheckShape(*src, plan.moved_shape, "it is that of the index, with what it lacks"));
  FloatType type = FloatType::kFloat32;
  if (add) {
    MASKD_ASSIGN_OR_RETURN(type, FloatTypeOf(*input));
  }
  // Sums of narrow numbers are four bytes and a mark each.
  const bool narrow = add && FloatBytes(type) == 2;
  const std::int64_t output_bytes = plan.input_bytes();
  auto compute = [&call, add, type, input, index, src, plan = std::move(plan)]() -> absl::Status {
    std::byte* output = nullptr;
    MASKD_RETURN_IF_ERROR(call.Respond({{1, input->type, input->shape, &output}}));
    if (plan.input_bytes() > 0)
      std::memcpy(output, input->data, static_cast<std::size_t>(plan.input_bytes()));
    return add ? call.ops().ScatterAdd(plan, type, index->data, src->data, output)
               : call.ops().Scatter(plan, index->data, src->data, output);
  };
  return TensorWork{.result_bytes = output_bytes,
                    .scratch_bytes = narrow ? 3 * output_bytes : 0,
                    .compute = std::move(compute)};
}

}  // namespace

absl::StatusOr<TensorWork> PlanScatter(TensorCall& call) { return PlanScatterOrAdd(call, false); }
absl::StatusOr<TensorWork> PlanScatterAdd(TensorCall& call) { return PlanScatterOrAdd(call, true); }

absl::StatusOr<TensorWork> PlanRestoreTokens(TensorCall& call) {
  v1::RestoreTokensRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const auto* const kept,
                         call.request().Array("kept_tokens", 1, fields.kept_tokens()));
  MASKD_ASSIGN_OR_RETURN(const auto* const ids, call.request().Array("ids_restore", 2, fields.ids_restore()));
  MASKD_ASSIGN_OR_RETURN(const IdsType ids_type, IdsTypeOf(*ids));
  MASKD_ASSIGN_OR_RETURN(const RestorePlan plan, MakeRestorePlan(kept->shape, kept->type.element_bytes,
                                                                 ids->shape, ids_type, fields.num_prefix()));
  const TensorArray* fill = nullptr;
  if (fields.has_fill()) {
    MASKD_ASSIGN_OR_RETURN(fill, call.request().Array("fill", 3, fields.fill()));
    MASKD_RETURN_IF_ERROR(CheckSameType(*fill, *kept));
    MASKD_RETURN_IF_ERROR(
        CheckShape(*fill, Shape(kept->shape.begin() + 2, kept->shape.end()), "it is one token"));
  }
  auto compute = [&call, kept, ids, fill, plan]() -> absl::Status {
    Shape shape = kept->shape;
    shape[1] = plan.num_prefix + plan.sequence_length;
    std::byte* tokens = nullptr;
    MASKD_RETURN_IF_ERROR(call.Respond({{1, kept->type, shape, &tokens}}));
    return call.ops().RestoreTokens(plan, kept->data, ids->data, fill == nullptr ? nullptr : fill->data,
                                    tokens);
  };
  return TensorWork{.result_bytes = plan.restored_bytes(), .compute = std::move(compute)};
}

absl::StatusOr<TensorWork> PlanMaskedSelect(TensorCall& call) {
  v1::MaskedSelectRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const auto* const input, call.request().Array("input", 1, fields.input()));
  MASKD_ASSIGN_OR_RETURN(const auto* const mask, call.request().Array("mask", 2, fields.mask()));
  MASKD_ASSIGN_OR_RETURN(const BooleanType mask_type, BooleanTypeOf(*mask));
  MASKD_ASSIGN_OR_RETURN(SelectPlan plan,
                         MakeSelectPlan(input->shape, input->type.element_bytes, mask->shape, mask_type));
  auto compute = [&call, input, mask, plan = std::move(plan)]() -> absl::Status {
    MASKD_ASSIGN_OR_RETURN(const std::int64_t count, call.ops().CountSelected(plan, mask->data));
    std::byte* selected = nullptr;
    const Shape shape = {count};
    MASKD_RETURN_IF_ERROR(call.Respond({{1, input->type, shape, &selected}}));
    return call.ops().MaskedSelect(plan, input->data, mask->data, selected);
  };
  return TensorWork{.result_bytes = CountOf(input->shape) * input->type.element_bytes,
                    .compute = std::move(compute)};
}

absl::StatusOr<TensorWork> PlanPadSequences(TensorCall& call) {
  v1::PadSequencesRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const auto* const values, call.request().Array("values", 1, fields.values()));
  std::string padding = fields.padding_value();
  if (!padding.empty() && static_cast<std::int64_t>(padding.size()) != values->type.element_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("padding_value has ", padding.size(),
                                                   " bytes; an element of values has ",
                                                   values->type.element_bytes));
  }
  if (!v1::SequenceLayout_IsValid(fields.layout()))
    return absl::InvalidArgumentError(absl::StrCat("layout is ", fields.layout(), ", which is unknown"));
  if (!v1::MaskType_IsValid(fields.mask_type()))
    return absl::InvalidArgumentError(
        absl::StrCat("mask_type is ", fields.mask_type(), ", which is unknown"));
  if (fields.padded_length() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("padded_length is ", fields.padded_length(), "; it is 0 or more"));
  }
  MASKD_ASSIGN_OR_RETURN(PadPlan plan,
                         MakePadPlan({.values_shape = values->shape,
                                      .element_bytes = values->type.element_bytes,
                                      .lengths = {fields.lengths().begin(), fields.lengths().end()},
                                      .time_major = fields.layout() == v1::SEQUENCE_LAYOUT_TIME_MAJOR,
                                      .padded_length = fields.padded_length(),
                                      .mask_type = static_cast<MaskType>(fields.mask_type())}));
  const bool narrow = plan.mask_type == MaskType::kUint8;
  const TensorType mask_type = {.element_type = narrow ? v1::ELEMENT_TYPE_UINT8 : v1::ELEMENT_TYPE_FLOAT32,
                                .element_bytes = narrow ? 1 : 4};
  const std::int64_t result_bytes =
      CountOf(plan.padded_shape) * plan.element_bytes + CountOf(plan.mask_shape) * mask_type.element_bytes;
  auto compute = [&call, values, mask_type, padding = std::move(padding),
                  plan = std::move(plan)]() -> absl::Status {
    std::byte* padded = nullptr;
    std::byte* mask = nullptr;
    MASKD_RETURN_IF_ERROR(call.Respond(
        {{1, values->type, plan.padded_shape, &padded}, {2, mask_type, plan.mask_shape, &mask}}));
    const auto* const padding_data = reinterpret_cast<const std::byte*>(padding.data());
    return call.ops().PadSequences(plan, values->data, padding.empty() ? nullptr : padding_data, padded,
                                   mask);
  };
  return TensorWork{.result_bytes = result_bytes, .compute = std::move(compute)};
}

}  // namespace maskd
