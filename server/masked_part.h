// The response to a run of samples, while their tokens come.
#ifndef MASKD_SERVER_MASKED_PART_H_
#define MASKD_SERVER_MASKED_PART_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "kernels/host_memory.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "kernels/masking_spec.h"
#include "kernels/token_gatherer.h"
#include "proto/message_scanner.h"
#include "server/block_pool.h"
#include "server/encode_response.h"
#include "server/reply_pool.h"
#include "server/stage_clock.h"

namespace maskd {

// Without landing memory, the order of the tokens is drawn first, as it depends on
// none of them; then each goes straight from where gRPC received it to its place
// in the response. With it, tokens are copied there, and the masker, which reads
// them from there as its device can, does the rest when all have come. Not
// thread-safe.
class MaskedPart {
 public:
  // `response` was reserved for `plan`, which has tokens and was made from
  // `spec`. `landing` may be null.
  MaskedPart(const MaskingSpec& spec, const MaskingPlan& plan, ReservedResponse response, BlockPool* landing)
      : spec_(spec),
        plan_(plan),
        response_(std::move(response)),
        landing_(plan.selection.kept_tokens ? landing : nullptr) {}

  // Each of the next four leaves `stages` in the stage of what it did.

  // To be called before Take. Throws std::bad_alloc.
  //
  // Returns the errors of Masker::Mask.
  absl::Status Begin(Masker& masker, ReplyPool& pool, const IsCancelled& is_cancelled, StageClock& stages);

  // Takes the next bytes of the tokens, at most bytes_left().
  void Take(Fragment tokens, StageClock& stages);

  // Takes all the tokens at once, on the threads of `gatherer`.
  void TakeAll(std::span<const Fragment> tokens, TokenGatherer& gatherer, StageClock& stages);

  // To be called once no bytes are left.
  //
  // Returns the errors of Masker::Mask.
  absl::Status Finish(Masker& masker, const IsCancelled& is_cancelled, StageClock& stages);

  std::int64_t bytes_left() const { return plan_.tokens_bytes - taken_; }

  // The response, once it is finished.
  grpc::Slice ToResponse() && { return std::move(response_.buffer).ToSlice(); }

 private:
  // Writes all results but the kept tokens.
  absl::Status DrawMasks(Masker& masker, ReplyPool& pool, const IsCancelled& is_cancelled,
                         StageClock& stages);
  // The stage in which tokens are taken.
  Stage StageOfTake() const { return landing_ != nullptr ? Stage::kCopyToDevice : Stage::kGather; }
  KeptTokensLayout Layout() const;

  const MaskingSpec spec_;
  const MaskingPlan plan_;
  ReservedResponse response_;
  BlockPool* const landing_;       // null: tokens are gathered as they come
  HostBlock landed_;               // [N, L, token_bytes] of the tokens, with `landing_`
  ReplyPool::Buffer ids_restore_;  // if the response has none, without
  std::int64_t taken_ = 0;
};

}  // namespace maskd

#endif  // MASKD_SERVER_MASKED_PART_H_
