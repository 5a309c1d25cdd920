#include "client/tensor_client.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/attempt.h"
#include "client/connection.h"
#include "client/decode_tensors.h"
#include "client/encode_tensors.h"
#include "client/tensor_attempt.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_arguments.h"
#include "maskd/v1/masking_service.pb.h"
#include "maskd/v1/tensor_service.pb.h"

namespace maskd {
namespace {

// Protobuf's and gRPC's.
constexpr std::int64_t kMaxMessageBytes = std::numeric_limits<std::int32_t>::max();

// Room for the fields of a response beside its tensors' payloads.
constexpr std::int64_t kResponseFieldBytes = 1024;

static_assert(static_cast<int>(ElementType::kOther) == v1::ELEMENT_TYPE_UNSPECIFIED &&
              static_cast<int>(ElementType::kFloat32) == v1::ELEMENT_TYPE_FLOAT32 &&
              static_cast<int>(ElementType::kInt64) == v1::ELEMENT_TYPE_INT64 &&
              static_cast<int>(ElementType::kInt32) == v1::ELEMENT_TYPE_INT32 &&
              static_cast<int>(ElementType::kUint16) == v1::ELEMENT_TYPE_UINT16 &&
              static_cast<int>(ElementType::kUint8) == v1::ELEMENT_TYPE_UINT8 &&
              static_cast<int>(ElementType::kFloat16) == v1::ELEMENT_TYPE_FLOAT16 &&
              static_cast<int>(ElementType::kBfloat16) == v1::ELEMENT_TYPE_BFLOAT16 &&
              static_cast<int>(ElementType::kFloat64) == v1::ELEMENT_TYPE_FLOAT64);
static_assert(static_cast<int>(ScoreKind::kLogProbabilities) == v1::SCORE_KIND_LOG_PROBABILITIES &&
              static_cast<int>(ScoreKind::kLogits) == v1::SCORE_KIND_LOGITS);
static_assert(static_cast<int>(ImageLayout::kChannelsFirst) == v1::IMAGE_LAYOUT_CHANNELS_FIRST &&
              static_cast<int>(ImageLayout::kChannelsLast) == v1::IMAGE_LAYOUT_CHANNELS_LAST);

constexpr TensorOperation kRestoreTokens = {"/maskd.v1.MaskingService/RestoreTokens",
                                            v1::StreamTensorsRequest::kRestoreTokensFieldNumber};
constexpr TensorOperation kGather = {"/maskd.v1.TensorService/Gather",
                                     v1::StreamTensorsRequest::kGatherFieldNumber};
constexpr TensorOperation kScatter = {"/maskd.v1.TensorService/Scatter",
                                      v1::StreamTensorsRequest::kScatterFieldNumber};
constexpr TensorOperation kScatterAdd = {"/maskd.v1.TensorService/ScatterAdd",
                                         v1::StreamTensorsRequest::kScatterAddFieldNumber};
constexpr TensorOperation kMaskedSelect = {"/maskd.v1.TensorService/MaskedSelect",
                                           v1::StreamTensorsRequest::kMaskedSelectFieldNumber};
constexpr TensorOperation kPadSequences = {"/maskd.v1.TensorService/PadSequences",
                                           v1::StreamTensorsRequest::kPadSequencesFieldNumber};
constexpr TensorOperation kMaskedNllLoss = {"/maskd.v1.TensorService/MaskedNllLoss",
                                            v1::StreamTensorsRequest::kMaskedNllLossFieldNumber};
constexpr TensorOperation kMaskedReconstructionLoss = {
    "/maskd.v1.TensorService/MaskedReconstructionLoss",
    v1::StreamTensorsRequest::kMaskedReconstructionLossFieldNumber};

TensorForm WithShape(TensorForm form, Shape shape) {
  form.shape = std::move(shape);
  return form;
}

// How many elements of `input` the mask, which broadcasts to it, selects.
std::int64_t CountSelected(const TensorView& input, const TensorView& mask) {
  const std::int64_t mask_count = CountOf(mask.form.shape);
  if (mask_count == 0) return 0;
  std::int64_t ones = 0;
  if (mask.form.type == ElementType::kUint8) {
    ones = std::ranges::count(mask.data, std::byte{1});
  } else if (mask.form.type == ElementType::kFloat32) {
    for (std::size_t at = 0; at < mask.data.size(); at += sizeof(float)) {
      float value = 0;
      std::memcpy(&value, &mask.data[at], sizeof(value));
      ones += value == 1.0f ? 1 : 0;
    }
  }
  return ones * (CountOf(input.form.shape) / mask_count);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TensorClient>> TensorClient::Connect(const std::string& address,
                                                                    const Options& options) {
  MASKD_RETURN_IF_ERROR(CheckAddress(address));
  return std::unique_ptr<TensorClient>(new TensorClient(Dial(address, options), options));
}

TensorClient::TensorClient(std::unique_ptr<Connection> connection, const Options& options)
    : options_(options), connection_(std::move(connection)) {}

TensorClient::TensorClient(std::shared_ptr<grpc::Channel> channel, const Options& options)
    : TensorClient(std::make_unique<Connection>(std::move(channel)), options) {}

TensorClient::~TensorClient() = default;

absl::Status TensorClient::Call(const TensorOperation& operation, TensorMessage& request,
                                std::int64_t result_bytes, const CallLimits& limits,
                                const TakeTensors& take) {
  const bool streamed =
      request.payload_bytes() + result_bytes >= options_.stream_from_bytes && CanStream(request);
  if (!streamed && request.bytes() > kMaxMessageBytes) {
    return absl::ResourceExhaustedError(absl::StrCat("the request would have ", request.bytes(),
                                                     " bytes; a message has at most ", kMaxMessageBytes,
                                                     ", send smaller tensors"));
  }
  const std::int64_t max_response_bytes = std::min(options_.max_message_bytes, kMaxMessageBytes);
  if (!streamed && result_bytes > max_response_bytes - kResponseFieldBytes) {
    return absl::ResourceExhaustedError(absl::StrCat("the response would have ", result_bytes,
                                                     " bytes; this client takes at most ", max_response_bytes,
                                                     " (Options::max_message_bytes), send smaller tensors"));
  }
  const CallScope scope = BeginCall(options_, limits);
  const std::int64_t call_bytes = request.bytes() + result_bytes + kResponseFieldBytes;
  const absl::Status status =
      Retry(scope, options_.max_attempts, options_.wait_for_room, [&](const CallScope& attempt) {
        return streamed ? CallTensorStream(*connection_, operation, request, attempt, take)
                        : CallTensorUnary(*connection_, operation, request, call_bytes, attempt, take);
      });
  request.TakeBack(*connection_);
  if (absl::IsResourceExhausted(status) && absl::StartsWith(status.message(), "Received message larger")) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the server takes no request this large, send smaller tensors: ", status.message()));
  }
  return status;
}

template <typename Response>
absl::StatusOr<Tensor> TensorClient::CallForTensor(const TensorOperation& operation, TensorMessage& request,
                                                   const TensorForm& form, const auto& tensor_of,
                                                   const CallLimits& limits) {
  Tensor tensor;
  const auto take = [&](ReceivedTensors& received) -> absl::Status {
    Response response;
    MASKD_RETURN_IF_ERROR(received.Parse(response));
    return received.Take("the result", 1, tensor_of(response), form, tensor);
  };
  MASKD_RETURN_IF_ERROR(Call(operation, request, form.bytes(), limits, take));
  return tensor;
}

template <typename Response>
absl::StatusOr<MaskedMean> TensorClient::CallForMean(const TensorOperation& operation, TensorMessage& request,
                                                     std::int64_t mask_count, const CallLimits& limits) {
  MaskedMean mean;
  const auto take = [&](ReceivedTensors& received) -> absl::Status {
    Response response;
    MASKD_RETURN_IF_ERROR(received.Parse(response));
    if (response.count() < 1 || response.count() > mask_count) {
      return absl::InternalError(absl::StrCat("the server sent a mean over ", response.count(),
                                              " places of a mask of ", mask_count));
    }
    mean = {.loss = response.loss(), .count = response.count()};
    return absl::OkStatus();
  };
  MASKD_RETURN_IF_ERROR(Call(operation, request, 0, limits, take));
  return mean;
}

absl::StatusOr<Tensor> TensorClient::RestoreTokens(const RestoreTokensArguments& arguments,
                                                   const CallLimits& limits) {
  const TensorForm& kept = arguments.kept_tokens.form;
  MASKD_ASSIGN_OR_RETURN(
      const RestorePlan plan,
      MakeRestorePlan(kept, arguments.ids_restore.form,
                      arguments.fill.has_value() ? &arguments.fill->form : nullptr, arguments.num_prefix));
  v1::RestoreTokensRequest fields;
  fields.set_num_prefix(arguments.num_prefix);
  TensorMessage request(fields);
  MASKD_RETURN_IF_ERROR(request.Add("kept_tokens", 1, arguments.kept_tokens));
  MASKD_RETURN_IF_ERROR(request.Add("ids_restore", 2, arguments.ids_restore));
  if (arguments.fill.has_value()) MASKD_RETURN_IF_ERROR(request.Add("fill", 3, *arguments.fill));
  TensorForm form = kept;
  form.shape[1] = plan.num_prefix + plan.sequence_length;
  return CallForTensor<v1::RestoreTokensResponse>(
      kRestoreTokens, request, form, [](const auto& response) { return response.tokens(); }, limits);
}

absl::StatusOr<Tensor> TensorClient::Gather(const GatherArguments& arguments, const CallLimits& limits) {
  MASKD_ASSIGN_OR_RETURN(const IndexPlan plan, MakeGatherPlan(arguments.input.form, arguments.index.form,
                                                              arguments.dim, arguments.index_rank));
  v1::GatherRequest fields;
  fields.set_dim(static_cast<std::int32_t>(arguments.dim));
  fields.set_index_rank(static_cast<std::int32_t>(arguments.index_rank));
  TensorMessage request(fields);
  MASKD_RETURN_IF_ERROR(request.Add("input", 1, arguments.input));
  MASKD_RETURN_IF_ERROR(request.Add("index", 2, arguments.index));
  return CallForTensor<v1::GatherResponse>(
      kGather, request, WithShape(arguments.input.form, plan.moved_shape),
      [](const auto& response) { return response.output(); }, limits);
}

absl::StatusOr<Tensor> TensorClient::ScatterBy(const TensorOperation& operation,
                                               const ScatterArguments& arguments, const CallLimits& limits) {
  MASKD_RETURN_IF_ERROR(MakeScatterPlan(arguments.input.form, arguments.index.form, arguments.src.form,
                                        arguments.dim, arguments.index_rank)
                            .status());
  v1::ScatterRequest fields;
  fields.set_dim(static_cast<std::int32_t>(arguments.dim));
  fields.set_index_rank(static_cast<std::int32_t>(arguments.index_rank));
  TensorMessage request(fields);
  MASKD_RETURN_IF_ERROR(request.Add("input", 1, arguments.input));
  MASKD_RETURN_IF_ERROR(request.Add("index", 2, arguments.index));
  MASKD_RETURN_IF_ERROR(request.Add("src", 3, arguments.src));
  return CallForTensor<v1::ScatterResponse>(
      operation, request, arguments.input.form, [](const auto& response) { return response.output(); },
      limits);
}

absl::StatusOr<Tensor> TensorClient::Scatter(const ScatterArguments& arguments, const CallLimits& limits) {
  return ScatterBy(kScatter, arguments, limits);
}

absl::StatusOr<Tensor> TensorClient::ScatterAdd(const ScatterArguments& arguments, const CallLimits& limits) {
  return ScatterBy(kScatterAdd, arguments, limits);
}

absl::StatusOr<Tensor> TensorClient::MaskedSelect(const MaskedSelectArguments& arguments,
                                                  const CallLimits& limits) {
  const TensorForm& input = arguments.input.form;
  MASKD_RETURN_IF_ERROR(MakeSelectPlan(input, arguments.mask.form).status());
  TensorMessage request{v1::MaskedSelectRequest()};
  MASKD_RETURN_IF_ERROR(request.Add("input", 1, arguments.input));
  MASKD_RETURN_IF_ERROR(request.Add("mask", 2, arguments.mask));
  const std::int64_t count = CountSelected(arguments.input, arguments.mask);
  return CallForTensor<v1::MaskedSelectResponse>(
      kMaskedSelect, request, WithShape(input, {count}),
      [](const auto& response) { return response.selected(); }, limits);
}

absl::StatusOr<PaddedTensors> TensorClient::PadSequences(const PadSequencesArguments& arguments,
                                                         const CallLimits& limits) {
  const TensorForm& values = arguments.values.form;
  MASKD_ASSIGN_OR_RETURN(const PadPlan plan, MakePadPlan(values,
                                                         {.lengths = arguments.lengths,
                                                          .time_major = arguments.time_major,
                                                          .padded_length = arguments.padded_length,
                                                          .mask_type = arguments.mask_type},
                                                         arguments.padding_value.size()));
  v1::PadSequencesRequest fields;
  fields.mutable_lengths()->Add(arguments.lengths.begin(), arguments.lengths.end());
  fields.set_padding_value(arguments.padding_value.data(), arguments.padding_value.size());
  fields.set_layout(arguments.time_major ? v1::SEQUENCE_LAYOUT_TIME_MAJOR : v1::SEQUENCE_LAYOUT_BATCH_MAJOR);
  fields.set_mask_type(static_cast<v1::MaskType>(arguments.mask_type));
  fields.set_padded_length(arguments.padded_length);
  TensorMessage request(fields);
  MASKD_RETURN_IF_ERROR(request.Add("values", 1, arguments.values));
  const TensorForm padded = WithShape(values, plan.padded_shape);
  const TensorForm mask = MaskForm(plan);
  PaddedTensors result;
  const auto take = [&](ReceivedTensors& received) -> absl::Status {
    v1::PadSequencesResponse response;
    MASKD_RETURN_IF_ERROR(received.Parse(response));
    MASKD_RETURN_IF_ERROR(received.Take("padded", 1, response.padded(), padded, result.padded));
    return received.Take("the mask", 2, response.mask(), mask, result.mask);
  };
  MASKD_RETURN_IF_ERROR(Call(kPadSequences, request, padded.bytes() + mask.bytes(), limits, take));
  return result;
}

absl::StatusOr<MaskedMean> TensorClient::MaskedNllLoss(const MaskedNllLossArguments& arguments,
                                                       const CallLimits& limits) {
  v1::MaskedNllLossRequest fields;
  fields.set_kind(static_cast<v1::ScoreKind>(arguments.kind));
  TensorMessage request(fields);
  MASKD_RETURN_IF_ERROR(request.Add("scores", 1, arguments.scores));
  MASKD_RETURN_IF_ERROR(request.Add("target", 2, arguments.target));
  MASKD_RETURN_IF_ERROR(request.Add("mask", 3, arguments.mask));
  return CallForMean<v1::MaskedNllLossResponse>(kMaskedNllLoss, request, CountOf(arguments.mask.form.shape),
                                                limits);
}

absl::StatusOr<MaskedMean> TensorClient::MaskedReconstructionLoss(
    const MaskedReconstructionLossArguments& arguments, const CallLimits& limits) {
  v1::MaskedReconstructionLossRequest fields;
  fields.set_target_layout(static_cast<v1::ImageLayout>(arguments.target_layout));
  fields.set_patch_size(arguments.patch_size);
  fields.set_normalize_target(arguments.normalize_target);
  TensorMessage request(fields);
  MASKD_RETURN_IF_ERROR(request.Add("prediction", 1, arguments.prediction));
  MASKD_RETURN_IF_ERROR(request.Add("target", 2, arguments.target));
  MASKD_RETURN_IF_ERROR(request.Add("mask", 3, arguments.mask));
  return CallForMean<v1::MaskedReconstructionLossResponse>(kMaskedReconstructionLoss, request,
                                                           CountOf(arguments.mask.form.shape), limits);
}

}  // namespace maskd
