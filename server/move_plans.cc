// The operations that move elements: what their requests must be, and what is done.
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_arguments.h"
#include "maskd/v1/masking_service.pb.h"
#include "maskd/v1/tensor_service.pb.h"
#include "server/tensor_call.h"

namespace maskd {
namespace {

// The enumerators of the plans are the wire's, so a cast translates a known value.
static_assert(static_cast<int>(MaskType::kFloat32) == v1::MASK_TYPE_FLOAT32);
static_assert(static_cast<int>(MaskType::kUint8) == v1::MASK_TYPE_UINT8);

}  // namespace

absl::StatusOr<TensorWork> PlanGather(TensorCall& call) {
  v1::GatherRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const auto* const input, call.request().Array("input", 1, fields.input()));
  MASKD_ASSIGN_OR_RETURN(const auto* const index, call.request().Array("index", 2, fields.index()));
  MASKD_ASSIGN_OR_RETURN(IndexPlan plan,
                         MakeGatherPlan(input->form(), index->form(), fields.dim(), fields.index_rank()));
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
  MASKD_ASSIGN_OR_RETURN(IndexPlan plan, MakeScatterPlan(input->form(), index->form(), src->form(),
                                                         fields.dim(), fields.index_rank()));
  FloatType type = FloatType::kFloat32;
  if (add) {
    MASKD_ASSIGN_OR_RETURN(type, FloatTypeOf("input", input->form()));
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
  const TensorArray* fill = nullptr;
  if (fields.has_fill()) {
    MASKD_ASSIGN_OR_RETURN(fill, call.request().Array("fill", 3, fields.fill()));
  }
  const TensorForm fill_form = fill == nullptr ? TensorForm() : fill->form();
  MASKD_ASSIGN_OR_RETURN(const RestorePlan plan,
                         MakeRestorePlan(kept->form(), ids->form(), fill == nullptr ? nullptr : &fill_form,
                                         fields.num_prefix()));
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
  MASKD_ASSIGN_OR_RETURN(SelectPlan plan, MakeSelectPlan(input->form(), mask->form()));
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
  if (!v1::SequenceLayout_IsValid(fields.layout()))
    return absl::InvalidArgumentError(absl::StrCat("layout is ", fields.layout(), ", which is unknown"));
  MASKD_ASSIGN_OR_RETURN(PadPlan plan,
                         MakePadPlan(values->form(),
                                     {.lengths = {fields.lengths().begin(), fields.lengths().end()},
                                      .time_major = fields.layout() == v1::SEQUENCE_LAYOUT_TIME_MAJOR,
                                      .padded_length = fields.padded_length(),
                                      .mask_type = static_cast<MaskType>(fields.mask_type())},
                                     padding.size()));
  const TensorForm mask_form = MaskForm(plan);
  const TensorType mask_type = {.element_type = static_cast<v1::ElementType>(mask_form.type),
                                .element_bytes = mask_form.element_bytes()};
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
