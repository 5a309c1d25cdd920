#include "server/masked_part.h"

#include <algorithm>

#include "kernels/gather_token_bytes.h"
#include "kernels/status_macros.h"
#include "server/mask_in_stages.h"

namespace maskd {

absl::Status MaskedPart::Begin(Masker& masker, ReplyPool& pool, const IsCancelled& is_cancelled,
                               StageClock& stages) {
  stages.Enter(landing_ == nullptr ? Stage::kOrder : StageOfTake());
  if (landing_ == nullptr) return DrawMasks(masker, pool, is_cancelled, stages);
  landed_ = landing_->Take(static_cast<std::size_t>(plan_.tokens_bytes));
  return absl::OkStatus();
}

absl::Status MaskedPart::DrawMasks(Masker& masker, ReplyPool& pool, const IsCancelled& is_cancelled,
                                   StageClock& stages) {
  MaskingSpec spec = spec_;
  spec.token_type.reset();
  spec.selection.kept_tokens = false;
  spec.selection.ids_restore |= plan_.selection.kept_tokens;
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  if (plan.selection.ids_restore && !plan_.selection.ids_restore) {
    ids_restore_ = pool.Take(static_cast<std::size_t>(plan.result_bytes.ids_restore));
    response_.results.ids_restore = ids_restore_.bytes().data();
  }
  return MaskInStages(masker, plan, response_.results, is_cancelled, stages);
}

KeptTokensLayout MaskedPart::Layout() const {
  return {.ids_restore = response_.results.ids_restore,
          .ids_type = plan_.selection.ids_type,
          .kept_tokens = response_.results.kept_tokens,
          .sequence_length = plan_.sequence_length,
          .num_keep = plan_.num_keep,
          .token_bytes = plan_.token_bytes};
}

void MaskedPart::Take(Fragment tokens, StageClock& stages) {
  stages.Enter(StageOfTake());
  if (landing_ != nullptr) {
    std::ranges::copy(tokens, landed_.bytes.data() + taken_);
  } else if (plan_.selection.kept_tokens) {
    GatherTokenBytes(Layout(), taken_, tokens);
  }
  taken_ += static_cast<std::int64_t>(tokens.size());
}

void MaskedPart::TakeAll(std::span<const Fragment> tokens, TokenGatherer& gatherer, StageClock& stages) {
  stages.Enter(StageOfTake());
  if (landing_ != nullptr) {
    gatherer.Join(tokens, landed_.bytes.data());
  } else if (plan_.selection.kept_tokens) {
    gatherer.Gather(Layout(), tokens);
  }
  taken_ = plan_.tokens_bytes;
}

absl::Status MaskedPart::Finish(Masker& masker, const IsCancelled& is_cancelled, StageClock& stages) {
  if (landing_ == nullptr) return absl::OkStatus();
  stages.Enter(Stage::kGather);
  MaskingBuffers buffers = response_.results;
  buffers.tokens = landed_.bytes.data();
  const absl::Status status = MaskInStages(masker, plan_, buffers, is_cancelled, stages);
  landed_ = {};
  return status;
}

}  // namespace maskd
