// The masked losses: what their requests must be, and what is done.
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_arguments.h"
#include "maskd/v1/tensor_service.pb.h"
#include "server/tensor_call.h"

namespace maskd {
namespace {

// The enumerators of the plans are the wire's, so a cast translates a known value.
static_assert(static_cast<int>(ScoreKind::kProbabilities) == v1::SCORE_KIND_PROBABILITIES);
static_assert(static_cast<int>(ScoreKind::kLogProbabilities) == v1::SCORE_KIND_LOG_PROBABILITIES);
static_assert(static_cast<int>(ScoreKind::kLogits) == v1::SCORE_KIND_LOGITS);
static_assert(static_cast<int>(ImageLayout::kTokens) == v1::IMAGE_LAYOUT_TOKENS);
static_assert(static_cast<int>(ImageLayout::kChannelsFirst) == v1::IMAGE_LAYOUT_CHANNELS_FIRST);
static_assert(static_cast<int>(ImageLayout::kChannelsLast) == v1::IMAGE_LAYOUT_CHANNELS_LAST);

// An index and a term of the sum, for each place of the mask.
constexpr std::int64_t kScratchBytesPerPlace = 16;

template <typename Response>
absl::Status RespondWith(const absl::StatusOr<MaskedMean>& mean, TensorCall& call) {
  MASKD_RETURN_IF_ERROR(mean.status());
  Response response;
  response.set_loss(mean->loss);
  response.set_count(mean->count);
  return call.Respond(response);
}

}  // namespace

absl::StatusOr<TensorWork> PlanMaskedNllLoss(TensorCall& call) {
  v1::MaskedNllLossRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const auto* const scores, call.request().Array("scores", 1, fields.scores()));
  MASKD_ASSIGN_OR_RETURN(const auto* const target, call.request().Array("target", 2, fields.target()));
  MASKD_ASSIGN_OR_RETURN(const auto* const mask, call.request().Array("mask", 3, fields.mask()));
  MASKD_ASSIGN_OR_RETURN(const NllPlan plan, MakeNllPlan(scores->form(), target->form(), mask->form(),
                                                         static_cast<ScoreKind>(fields.kind())));
  auto compute = [&call, scores, target, mask, plan] {
    return RespondWith<v1::MaskedNllLossResponse>(
        call.ops().MaskedNllLoss(plan, scores->data, target->data, mask->data), call);
  };
  return TensorWork{.scratch_bytes = plan.positions * kScratchBytesPerPlace, .compute = std::move(compute)};
}

absl::StatusOr<TensorWork> PlanMaskedReconstructionLoss(TensorCall& call) {
  v1::MaskedReconstructionLossRequest fields;
  MASKD_RETURN_IF_ERROR(call.request().Parse(fields));
  MASKD_ASSIGN_OR_RETURN(const auto* const prediction,
                         call.request().Array("prediction", 1, fields.prediction()));
  MASKD_ASSIGN_OR_RETURN(const auto* const target, call.request().Array("target", 2, fields.target()));
  MASKD_ASSIGN_OR_RETURN(const auto* const mask, call.request().Array("mask", 3, fields.mask()));
  MASKD_ASSIGN_OR_RETURN(
      const ReconstructionPlan plan,
      MakeReconstructionPlan(prediction->form(), target->form(), mask->form(),
                             {.target_layout = static_cast<ImageLayout>(fields.target_layout()),
                              .patch_size = fields.patch_size(),
                              .normalize_target = fields.normalize_target()}));
  auto compute = [&call, prediction, target, mask, plan] {
    return RespondWith<v1::MaskedReconstructionLossResponse>(
        call.ops().MaskedReconstructionLoss(plan, prediction->data, target->data, mask->data), call);
  };
  return TensorWork{.scratch_bytes = plan.batch_size * plan.sequence_length * kScratchBytesPerPlace,
                    .compute = std::move(compute)};
}

}  // namespace maskd
