#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/c_abi/client.h"
#include "client/c_abi/error.h"
#include "client/c_abi/structs.h"
#include "client/maskd_tensors.h"
#include "client/sharded_client.h"
#include "client/tensor.h"
#include "client/tensor_client.h"
#include "kernels/masking_spec.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_plans.h"

struct maskd_tensors {
  std::vector<maskd::Tensor> tensors;
  std::vector<maskd_tensor> views;  // of `tensors`
};

namespace maskd {
namespace {

static_assert(static_cast<int>(ElementType::kOther) == MASKD_OTHER &&
              static_cast<int>(ElementType::kFloat32) == MASKD_FLOAT32 &&
              static_cast<int>(ElementType::kInt64) == MASKD_INT64 &&
              static_cast<int>(ElementType::kInt32) == MASKD_INT32 &&
              static_cast<int>(ElementType::kUint16) == MASKD_UINT16 &&
              static_cast<int>(ElementType::kUint8) == MASKD_UINT8 &&
              static_cast<int>(ElementType::kFloat16) == MASKD_FLOAT16 &&
              static_cast<int>(ElementType::kBfloat16) == MASKD_BFLOAT16 &&
              static_cast<int>(ElementType::kFloat64) == MASKD_FLOAT64);
static_assert(static_cast<int>(ScoreKind::kProbabilities) == MASKD_PROBABILITIES &&
              static_cast<int>(ScoreKind::kLogProbabilities) == MASKD_LOG_PROBABILITIES &&
              static_cast<int>(ScoreKind::kLogits) == MASKD_LOGITS);
static_assert(static_cast<int>(ImageLayout::kTokens) == MASKD_TOKENS &&
              static_cast<int>(ImageLayout::kChannelsFirst) == MASKD_CHANNELS_FIRST &&
              static_cast<int>(ImageLayout::kChannelsLast) == MASKD_CHANNELS_LAST);

absl::StatusOr<TensorView> DecodeTensor(const char* name, const maskd_tensor& tensor) {
  if (tensor.rank < 0 || tensor.rank > static_cast<int>(kMaxRank)) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " has ", tensor.rank, " sizes; it must have 0 to ", kMaxRank));
  }
  TensorView view = {.form = {.type = static_cast<ElementType>(tensor.type),
                              .other_bytes = tensor.other_bytes,
                              .shape = Shape(tensor.shape, tensor.shape + tensor.rank)},
                     .data = {static_cast<const std::byte*>(tensor.data), tensor.data_bytes}};
  const std::int64_t element_bytes = view.form.element_bytes();
  if (element_bytes < 1 || element_bytes > 16) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is of type ", tensor.type, " with elements of ",
                                                   element_bytes, " bytes; they must have 1 to 16"));
  }
  return view;
}

std::unique_ptr<maskd_tensors> ToResults(std::vector<Tensor> tensors) {
  auto results = std::make_unique<maskd_tensors>();
  results->tensors = std::move(tensors);
  for (const Tensor& tensor : results->tensors) {
    results->views.push_back({.data = tensor.data.data(),
                              .data_bytes = tensor.data.size(),
                              .shape = tensor.form.shape.data(),
                              .rank = static_cast<std::int32_t>(tensor.form.shape.size()),
                              .type = static_cast<std::int32_t>(tensor.form.type),
                              .other_bytes = tensor.form.other_bytes});
  }
  return results;
}

// Every operation: `call` makes it with the limits, and returns its tensors.
template <typename Call>
maskd_error* CallForTensors(maskd_client* client, const maskd_call_limits* limits, maskd_tensors** results,
                            const Call& call) {
  return Guarded([&]() -> absl::Status {
    *results = nullptr;
    MASKD_RETURN_IF_ERROR(CheckClient(client));
    MASKD_ASSIGN_OR_RETURN(const CallLimits call_limits, DecodeCallLimits(limits));
    absl::StatusOr<std::vector<Tensor>> tensors = call(*client->client, call_limits);
    MASKD_RETURN_IF_ERROR(tensors.status());
    *results = ToResults(*std::move(tensors)).release();
    return absl::OkStatus();
  });
}

template <typename Call>
maskd_error* CallForMean(maskd_client* client, const maskd_call_limits* limits, maskd_masked_mean* mean,
                         const Call& call) {
  return Guarded([&]() -> absl::Status {
    MASKD_RETURN_IF_ERROR(CheckClient(client));
    MASKD_RETURN_IF_ERROR(CheckStructSize("maskd_masked_mean", mean));
    MASKD_ASSIGN_OR_RETURN(const CallLimits call_limits, DecodeCallLimits(limits));
    MASKD_ASSIGN_OR_RETURN(const MaskedMean result, call(*client->client, call_limits));
    WriteStruct(maskd_masked_mean{.struct_size = 0, .loss = result.loss, .count = result.count}, mean);
    return absl::OkStatus();
  });
}

std::vector<Tensor> OneTensor(Tensor tensor) {
  std::vector<Tensor> tensors;
  tensors.push_back(std::move(tensor));
  return tensors;
}

// Scatter and ScatterAdd.
template <typename Operation>
maskd_error* ScatterBy(const Operation& operation, maskd_client* client,
                       const maskd_index_arguments* arguments, const maskd_call_limits* limits,
                       maskd_tensors** results) {
  const auto call = [&](ShardedClient& on,
                        const CallLimits& call_limits) -> absl::StatusOr<std::vector<Tensor>> {
    MASKD_ASSIGN_OR_RETURN(const maskd_index_arguments given, ReadStruct("maskd_index_arguments", arguments));
    ScatterArguments decoded = {
        .input = {}, .index = {}, .src = {}, .dim = given.dim, .index_rank = given.index_rank};
    MASKD_ASSIGN_OR_RETURN(decoded.input, DecodeTensor("input", given.input));
    MASKD_ASSIGN_OR_RETURN(decoded.index, DecodeTensor("index", given.index));
    MASKD_ASSIGN_OR_RETURN(decoded.src, DecodeTensor("src", given.src));
    MASKD_ASSIGN_OR_RETURN(Tensor output, (on.*operation)(decoded, call_limits));
    return OneTensor(std::move(output));
  };
  return CallForTensors(client, limits, results, call);
}

}  // namespace
}  // namespace maskd

using maskd::CallLimits;
using maskd::DecodeTensor;
using maskd::ReadStruct;
using maskd::ShardedClient;
using maskd::Tensor;
using Tensors = absl::StatusOr<std::vector<Tensor>>;

extern "C" {

size_t maskd_tensors_count(const maskd_tensors* tensors) { return tensors->views.size(); }

const maskd_tensor* maskd_tensors_at(const maskd_tensors* tensors, size_t index) {
  return index < tensors->views.size() ? &tensors->views[index] : nullptr;
}

void maskd_tensors_free(maskd_tensors* tensors) { delete tensors; }

maskd_error* maskd_restore_tokens(maskd_client* client, const maskd_restore_tokens_arguments* arguments,
                                  const maskd_call_limits* limits, maskd_tensors** results) {
  const auto call = [&](ShardedClient& on, const CallLimits& call_limits) -> Tensors {
    MASKD_ASSIGN_OR_RETURN(const maskd_restore_tokens_arguments given,
                           ReadStruct("maskd_restore_tokens_arguments", arguments));
    maskd::RestoreTokensArguments decoded = {
        .kept_tokens = {}, .ids_restore = {}, .num_prefix = given.num_prefix};
    MASKD_ASSIGN_OR_RETURN(decoded.kept_tokens, DecodeTensor("kept_tokens", given.kept_tokens));
    MASKD_ASSIGN_OR_RETURN(decoded.ids_restore, DecodeTensor("ids_restore", given.ids_restore));
    if (given.fill != nullptr) {
      MASKD_ASSIGN_OR_RETURN(decoded.fill, DecodeTensor("fill", *given.fill));
    }
    MASKD_ASSIGN_OR_RETURN(Tensor tokens, on.RestoreTokens(decoded, call_limits));
    return maskd::OneTensor(std::move(tokens));
  };
  return maskd::CallForTensors(client, limits, results, call);
}

maskd_error* maskd_gather(maskd_client* client, const maskd_index_arguments* arguments,
                          const maskd_call_limits* limits, maskd_tensors** results) {
  const auto call = [&](ShardedClient& on, const CallLimits& call_limits) -> Tensors {
    MASKD_ASSIGN_OR_RETURN(const maskd_index_arguments given, ReadStruct("maskd_index_arguments", arguments));
    maskd::GatherArguments decoded = {
        .input = {}, .index = {}, .dim = given.dim, .index_rank = given.index_rank};
    MASKD_ASSIGN_OR_RETURN(decoded.input, DecodeTensor("input", given.input));
    MASKD_ASSIGN_OR_RETURN(decoded.index, DecodeTensor("index", given.index));
    MASKD_ASSIGN_OR_RETURN(Tensor output, on.Gather(decoded, call_limits));
    return maskd::OneTensor(std::move(output));
  };
  return maskd::CallForTensors(client, limits, results, call);
}

maskd_error* maskd_scatter(maskd_client* client, const maskd_index_arguments* arguments,
                           const maskd_call_limits* limits, maskd_tensors** results) {
  return maskd::ScatterBy(&ShardedClient::Scatter, client, arguments, limits, results);
}

maskd_error* maskd_scatter_add(maskd_client* client, const maskd_index_arguments* arguments,
                               const maskd_call_limits* limits, maskd_tensors** results) {
  return maskd::ScatterBy(&ShardedClient::ScatterAdd, client, arguments, limits, results);
}

maskd_error* maskd_masked_select(maskd_client* client, const maskd_masked_select_arguments* arguments,
                                 const maskd_call_limits* limits, maskd_tensors** results) {
  const auto call = [&](ShardedClient& on, const CallLimits& call_limits) -> Tensors {
    MASKD_ASSIGN_OR_RETURN(const maskd_masked_select_arguments given,
                           ReadStruct("maskd_masked_select_arguments", arguments));
    maskd::MaskedSelectArguments decoded;
    MASKD_ASSIGN_OR_RETURN(decoded.input, DecodeTensor("input", given.input));
    MASKD_ASSIGN_OR_RETURN(decoded.mask, DecodeTensor("mask", given.mask));
    MASKD_ASSIGN_OR_RETURN(Tensor selected, on.MaskedSelect(decoded, call_limits));
    return maskd::OneTensor(std::move(selected));
  };
  return maskd::CallForTensors(client, limits, results, call);
}

maskd_error* maskd_pad_sequences(maskd_client* client, const maskd_pad_sequences_arguments* arguments,
                                 const maskd_call_limits* limits, maskd_tensors** results) {
  const auto call = [&](ShardedClient& on, const CallLimits& call_limits) -> Tensors {
    MASKD_ASSIGN_OR_RETURN(const maskd_pad_sequences_arguments given,
                           ReadStruct("maskd_pad_sequences_arguments", arguments));
    maskd::PadSequencesArguments decoded;
    decoded.lengths.assign(given.lengths, given.lengths + given.num_lengths);
    decoded.time_major = given.time_major != 0;
    decoded.mask_type = static_cast<maskd::MaskType>(given.mask_type);
    decoded.padded_length = given.padded_length;
    MASKD_ASSIGN_OR_RETURN(decoded.values, DecodeTensor("values", given.values));
    if (given.padding_value != nullptr) {
      decoded.padding_value = {static_cast<const std::byte*>(given.padding_value),
                               static_cast<std::size_t>(decoded.values.form.element_bytes())};
    }
    MASKD_ASSIGN_OR_RETURN(maskd::PaddedTensors padded, on.PadSequences(decoded, call_limits));
    std::vector<Tensor> both = maskd::OneTensor(std::move(padded.padded));
    both.push_back(std::move(padded.mask));
    return both;
  };
  return maskd::CallForTensors(client, limits, results, call);
}

maskd_error* maskd_masked_nll_loss(maskd_client* client, const maskd_masked_nll_loss_arguments* arguments,
                                   const maskd_call_limits* limits, maskd_masked_mean* mean) {
  const auto call = [&](ShardedClient& on,
                        const CallLimits& call_limits) -> absl::StatusOr<maskd::MaskedMean> {
    MASKD_ASSIGN_OR_RETURN(const maskd_masked_nll_loss_arguments given,
                           ReadStruct("maskd_masked_nll_loss_arguments", arguments));
    maskd::MaskedNllLossArguments decoded = {
        .scores = {}, .target = {}, .mask = {}, .kind = static_cast<maskd::ScoreKind>(given.score_kind)};
    MASKD_ASSIGN_OR_RETURN(decoded.scores, DecodeTensor("scores", given.scores));
    MASKD_ASSIGN_OR_RETURN(decoded.target, DecodeTensor("target", given.target));
    MASKD_ASSIGN_OR_RETURN(decoded.mask, DecodeTensor("mask", given.mask));
    return on.MaskedNllLoss(decoded, call_limits);
  };
  return maskd::CallForMean(client, limits, mean, call);
}

maskd_error* maskd_masked_reconstruction_loss(maskd_client* client,
                                              const maskd_masked_reconstruction_loss_arguments* arguments,
                                              const maskd_call_limits* limits, maskd_masked_mean* mean) {
  const auto call = [&](ShardedClient& on,
                        const CallLimits& call_limits) -> absl::StatusOr<maskd::MaskedMean> {
    MASKD_ASSIGN_OR_RETURN(const maskd_masked_reconstruction_loss_arguments given,
                           ReadStruct("maskd_masked_reconstruction_loss_arguments", arguments));
    maskd::MaskedReconstructionLossArguments decoded = {
        .prediction = {},
        .target = {},
        .mask = {},
        .target_layout = static_cast<maskd::ImageLayout>(given.target_layout),
        .patch_size = given.patch_size,
        .normalize_target = given.normalize_target != 0};
    MASKD_ASSIGN_OR_RETURN(decoded.prediction, DecodeTensor("prediction", given.prediction));
    MASKD_ASSIGN_OR_RETURN(decoded.target, DecodeTensor("target", given.target));
    MASKD_ASSIGN_OR_RETURN(decoded.mask, DecodeTensor("mask", given.mask));
    return on.MaskedReconstructionLoss(decoded, call_limits);
  };
  return maskd::CallForMean(client, limits, mean, call);
}

}  // extern "C"
