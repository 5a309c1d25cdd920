// The tensor operations: decode, plan, make room, compute into the response.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_ops.h"
#include "maskd/v1/masking_service.pb.h"
#include "maskd/v1/tensor_service.pb.h"
#include "server/bulk_works.h"
#include "server/tensor_request.h"
#include "server/tensor_response.h"

namespace maskd {
namespace {

// The enumerators of the plans are the wire's, so a cast translates a known value.
static_assert(static_cast<int>(ScoreKind::kProbabilities) == v1::SCORE_KIND_PROBABILITIES);
static_assert(static_cast<int>(ScoreKind::kLogProbabilities) == v1::SCORE_KIND_LOG_PROBABILITIES);
static_assert(static_cast<int>(ScoreKind::kLogits) == v1::SCORE_KIND_LOGITS);
static_assert(static_cast<int>(ImageLayout::kTokens) == v1::IMAGE_LAYOUT_TOKENS);
static_assert(static_cast<int>(ImageLayout::kChannelsFirst) == v1::IMAGE_LAYOUT_CHANNELS_FIRST);
static_assert(static_cast<int>(ImageLayout::kChannelsLast) == v1::IMAGE_LAYOUT_CHANNELS_LAST);
static_assert(static_cast<int>(MaskType::kFloat32) == v1::MASK_TYPE_FLOAT32);
static_assert(static_cast<int>(MaskType::kUint8) == v1::MASK_TYPE_UINT8);

// One call, while it works.
class TensorCall {
 public:
  TensorCall(const grpc::ByteBuffer& request, const CallParts& parts, ByteBudget::Reservation& reservation)
      : request_bytes_(static_cast<std::int64_t>(request.Length())),
        parts_(parts),
        reservation_(reservation),
        request_(request, parts.pool) {}

  TensorRequest& request() { return request_; }
  TensorOps& ops() { return parts_.tensor_ops; }

  // Makes room for the request and copies of its tensors, if there is less.
  absl::Status MakeRoomForCopies() {
    const std::int64_t bytes = 2 * request_bytes_;
    return bytes > std::max(kSmallCallBytes, reservation_.bytes()) ? parts_.budget.Resize(bytes, reservation_)
                                                                   : absl::OkStatus();
  }

  // Makes room for those, a response of `bytes` of results, and scratch memory.
  absl::Status MakeRoom(std::int64_t bytes, std::int64_t scratch_bytes = 0) {
    MASKD_RETURN_IF_ERROR(CheckResponseBytes(bytes, parts_.limits, "send smaller tensors"));
    const std::int64_t all = 2 * request_bytes_ + bytes + scratch_bytes;
    return all > kSmallCallBytes ? parts_.budget.Resize(all, reservation_) : absl::OkStatus();
  }

  // The response that has these tensors.
  ReplyPool::Buffer Reserve(std::initializer_list<ResponseTensor> tensors) {
    return ReserveTensors(tensors, parts_.pool);
  }

  absl::StatusOr<grpc::Slice> Respond(const google::protobuf::MessageLite& fields) {
    return grpc::Slice(fields.SerializeAsString());
  }

 private:
  const std::int64_t request_bytes_;
  const CallParts& parts_;
  ByteBudget::Reservation& reservation_;
  TensorRequest request_;
};

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

absl::StatusOr<grpc::Slice> Gather(TensorCall& call) {
  v1::GatherRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const TensorArray input, call.request().Array("input", 1, fields.input()));
  MASKD_ASSIGN_OR_RETURN(const TensorArray index, call.request().Array("index", 2, fields.index()));
  MASKD_ASSIGN_OR_RETURN(const IndexPlan plan, PlanOf(fields, input, index));
  MASKD_RETURN_IF_ERROR(call.MakeRoom(plan.moved_bytes()));
  std::byte* output = nullptr;
  ReplyPool::Buffer response = call.Reserve({{1, input.type, plan.moved_shape, &output}});
  MASKD_RETURN_IF_ERROR(call.ops().Gather(plan, input.data, index.data, output));
  return std::move(response).ToSlice();
}

absl::StatusOr<grpc::Slice> ScatterOrAdd(TensorCall& call, bool add) {
  v1::ScatterRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const TensorArray input, call.request().Array("input", 1, fields.input()));
  MASKD_ASSIGN_OR_RETURN(const TensorArray index, call.request().Array("index", 2, fields.index()));
  MASKD_ASSIGN_OR_RETURN(const TensorArray src, call.request().Array("src", 3, fields.src()));
  MASKD_ASSIGN_OR_RETURN(const IndexPlan plan, PlanOf(fields, input, index));
  MASKD_RETURN_IF_ERROR(CheckSameType(src, input));
  MASKD_RETURN_IF_ERROR(CheckShape(src, plan.moved_shape, "it is that of the index, with what it lacks"));
  FloatType type = FloatType::kFloat32;
  if (add) {
    MASKD_ASSIGN_OR_RETURN(type, FloatTypeOf(input));
  }
  // Sums of narrow numbers are four bytes and a mark each.
  const bool narrow = add && FloatBytes(type) == 2;
  MASKD_RETURN_IF_ERROR(call.MakeRoom(plan.input_bytes(), narrow ? 3 * plan.input_bytes() : 0));
  std::byte* output = nullptr;
  ReplyPool::Buffer response = call.Reserve({{1, input.type, input.shape, &output}});
  if (plan.input_bytes() > 0) std::memcpy(output, input.data, static_cast<std::size_t>(plan.input_bytes()));
  MASKD_RETURN_IF_ERROR(add ? call.ops().ScatterAdd(plan, type, index.data, src.data, output)
                            : call.ops().Scatter(plan, index.data, src.data, output));
  return std::move(response).ToSlice();
}

absl::StatusOr<grpc::Slice> Scatter(TensorCall& call) { return ScatterOrAdd(call, false); }
absl::StatusOr<grpc::Slice> ScatterAdd(TensorCall& call) { return ScatterOrAdd(call, true); }

absl::StatusOr<grpc::Slice> RestoreTokens(TensorCall& call) {
  v1::RestoreTokensRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const TensorArray kept,
                         call.request().Array("kept_tokens", 1, fields.kept_tokens()));
  MASKD_ASSIGN_OR_RETURN(const TensorArray ids, call.request().Array("ids_restore", 2, fields.ids_restore()));
  MASKD_ASSIGN_OR_RETURN(const IdsType ids_type, IdsTypeOf(ids));
  MASKD_ASSIGN_OR_RETURN(const RestorePlan plan, MakeRestorePlan(kept.shape, kept.type.element_bytes,
                                                                 ids.shape, ids_type, fields.num_prefix()));
  const std::byte* fill_data = nullptr;
  if (fields.has_fill()) {
    MASKD_ASSIGN_OR_RETURN(const TensorArray fill, call.request().Array("fill", 3, fields.fill()));
    MASKD_RETURN_IF_ERROR(CheckSameType(fill, kept));
    MASKD_RETURN_IF_ERROR(
        CheckShape(fill, Shape(kept.shape.begin() + 2, kept.shape.end()), "it is one token"));
    fill_data = fill.data;
  }
  MASKD_RETURN_IF_ERROR(call.MakeRoom(plan.restored_bytes()));
  Shape shape = kept.shape;
  shape[1] = plan.num_prefix + plan.sequence_length;
  std::byte* tokens = nullptr;
  ReplyPool::Buffer response = call.Reserve({{1, kept.type, shape, &tokens}});
  MASKD_RETURN_IF_ERROR(call.ops().RestoreTokens(plan, kept.data, ids.data, fill_data, tokens));
  return std::move(response).ToSlice();
}

absl::StatusOr<grpc::Slice> MaskedSelect(TensorCall& call) {
  v1::MaskedSelectRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const TensorArray input, call.request().Array("input", 1, fields.input()));
  MASKD_ASSIGN_OR_RETURN(const TensorArray mask, call.request().Array("mask", 2, fields.mask()));
  MASKD_ASSIGN_OR_RETURN(const BooleanType mask_type, BooleanTypeOf(mask));
  MASKD_ASSIGN_OR_RETURN(const SelectPlan plan,
                         MakeSelectPlan(input.shape, input.type.element_bytes, mask.shape, mask_type));
  MASKD_ASSIGN_OR_RETURN(const std::int64_t count, call.ops().CountSelected(plan, mask.data));
  MASKD_RETURN_IF_ERROR(call.MakeRoom(count * plan.element_bytes));
  std::byte* selected = nullptr;
  const Shape shape = {count};
  ReplyPool::Buffer response = call.Reserve({{1, input.type, shape, &selected}});
  call.ops().MaskedSelect(plan, input.data, mask.data, selected);
  return std::move(response).ToSlice();
}

absl::StatusOr<grpc::Slice> PadSequences(TensorCall& call) {
  v1::PadSequencesRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const TensorArray values, call.request().Array("values", 1, fields.values()));
  const std::string& padding = fields.padding_value();
  if (!padding.empty() && static_cast<std::int64_t>(padding.size()) != values.type.element_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("padding_value has ", padding.size(),
                                                   " bytes; an element of values has ",
                                                   values.type.element_bytes));
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
  MASKD_ASSIGN_OR_RETURN(const PadPlan plan,
                         MakePadPlan({.values_shape = values.shape,
                                      .element_bytes = values.type.element_bytes,
                                      .lengths = {fields.lengths().begin(), fields.lengths().end()},
                                      .time_major = fields.layout() == v1::SEQUENCE_LAYOUT_TIME_MAJOR,
                                      .padded_length = fields.padded_length(),
                                      .mask_type = static_cast<MaskType>(fields.mask_type())}));
  const bool narrow = plan.mask_type == MaskType::kUint8;
  const TensorType mask_type = {.element_type = narrow ? v1::ELEMENT_TYPE_UINT8 : v1::ELEMENT_TYPE_FLOAT32,
                                .element_bytes = narrow ? 1 : 4};
  const std::int64_t mask_bytes = CountOf(plan.mask_shape) * mask_type.element_bytes;
  MASKD_RETURN_IF_ERROR(call.MakeRoom(CountOf(plan.padded_shape) * plan.element_bytes + mask_bytes));
  std::byte* padded = nullptr;
  std::byte* mask = nullptr;
  ReplyPool::Buffer response =
      call.Reserve({{1, values.type, plan.padded_shape, &padded}, {2, mask_type, plan.mask_shape, &mask}});
  const auto* const padding_data = reinterpret_cast<const std::byte*>(padding.data());
  call.ops().PadSequences(plan, values.data, padding.empty() ? nullptr : padding_data, padded, mask);
  return std::move(response).ToSlice();
}

absl::StatusOr<grpc::Slice> MaskedNllLoss(TensorCall& call) {
  v1::MaskedNllLossRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const TensorArray scores, call.request().Array("scores", 1, fields.scores()));
  MASKD_ASSIGN_OR_RETURN(const TensorArray target, call.request().Array("target", 2, fields.target()));
  MASKD_ASSIGN_OR_RETURN(const TensorArray mask, call.request().Array("mask", 3, fields.mask()));
  MASKD_ASSIGN_OR_RETURN(const FloatType score_type, FloatTypeOf(scores));
  MASKD_ASSIGN_OR_RETURN(const IdsType target_type, IndexTypeOf(target));
  MASKD_ASSIGN_OR_RETURN(const BooleanType mask_type, BooleanTypeOf(mask));
  if (!v1::ScoreKind_IsValid(fields.kind()))
    return absl::InvalidArgumentError(absl::StrCat("kind is ", fields.kind(), ", which is unknown"));
  MASKD_ASSIGN_OR_RETURN(const NllPlan plan,
                         MakeNllPlan(scores.shape, score_type, static_cast<ScoreKind>(fields.kind()),
                                     target.shape, target_type, mask.shape, mask_type));
  // Up to an index and a term of the sum a position.
  MASKD_RETURN_IF_ERROR(call.MakeRoom(0, plan.positions * 16));
  MASKD_ASSIGN_OR_RETURN(const MaskedMean mean,
                         call.ops().MaskedNllLoss(plan, scores.data, target.data, mask.data));
  v1::MaskedNllLossResponse response;
  response.set_loss(mean.loss);
  response.set_count(mean.count);
  return call.Respond(response);
}

absl::StatusOr<grpc::Slice> MaskedReconstructionLoss(TensorCall& call) {
  v1::MaskedReconstructionLossRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const TensorArray prediction,
                         call.request().Array("prediction", 1, fields.prediction()));
  MASKD_ASSIGN_OR_RETURN(const TensorArray target, call.request().Array("target", 2, fields.target()));
  MASKD_ASSIGN_OR_RETURN(const TensorArray mask, call.request().Array("mask", 3, fields.mask()));
  if (!v1::ImageLayout_IsValid(fields.target_layout())) {
    return absl::InvalidArgumentError(
        absl::StrCat("target_layout is ", fields.target_layout(), ", which is unknown"));
  }
  ReconstructionSpec spec = {.prediction_shape = prediction.shape,
                             .prediction_type = FloatType::kFloat32,
                             .target_shape = target.shape,
                             .target_type = FloatType::kFloat32,
                             .target_layout = static_cast<ImageLayout>(fields.target_layout()),
                             .patch_size = fields.patch_size(),
                             .mask_shape = mask.shape,
                             .mask_type = BooleanType::kFloat32,
                             .normalize_target = fields.normalize_target()};
  MASKD_ASSIGN_OR_RETURN(spec.prediction_type, FloatTypeOf(prediction));
  MASKD_ASSIGN_OR_RETURN(spec.target_type, FloatTypeOf(target));
  MASKD_ASSIGN_OR_RETURN(spec.mask_type, BooleanTypeOf(mask));
  MASKD_ASSIGN_OR_RETURN(const ReconstructionPlan plan, MakeReconstructionPlan(spec));
  MASKD_RETURN_IF_ERROR(call.MakeRoom(0, plan.batch_size * plan.sequence_length * 16));
  MASKD_ASSIGN_OR_RETURN(const MaskedMean mean,
                         call.ops().MaskedReconstructionLoss(plan, prediction.data, target.data, mask.data));
  v1::MaskedReconstructionLossResponse response;
  response.set_loss(mean.loss);
  response.set_count(mean.count);
  return call.Respond(response);
}

template <absl::StatusOr<grpc::Slice> (*operation)(TensorCall&)>
absl::StatusOr<grpc::Slice> Work(const grpc::ByteBuffer& request, const CallParts& parts, const IsCancelled&,
                                 ByteBudget::Reservation& reservation) {
  TensorCall call(request, parts, reservation);
  MASKD_RETURN_IF_ERROR(call.MakeRoomForCopies());
  return operation(call);
}

constexpr BulkMethod kMethods[] = {
    {"/maskd.v1.MaskingService/RandomMasking", RandomMasking, false},
    {"/maskd.v1.MaskingService/RestoreTokens", Work<RestoreTokens>, true},
    {"/maskd.v1.TensorService/Gather", Work<Gather>, true},
    {"/maskd.v1.TensorService/Scatter", Work<Scatter>, true},
    {"/maskd.v1.TensorService/ScatterAdd", Work<ScatterAdd>, true},
    {"/maskd.v1.TensorService/MaskedSelect", Work<MaskedSelect>, true},
    {"/maskd.v1.TensorService/PadSequences", Work<PadSequences>, true},
    {"/maskd.v1.TensorService/MaskedNllLoss", Work<MaskedNllLoss>, true},
    {"/maskd.v1.TensorService/MaskedReconstructionLoss", Work<MaskedReconstructionLoss>, true},
};

}  // namespace

const BulkMethod* FindBulkMethod(std::string_view name) {
  const auto* const found = std::ranges::find(kMethods, name, &BulkMethod::name);
  return found == std::end(kMethods) ? nullptr : found;
}

}  // namespace maskd
