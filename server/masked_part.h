// The response to a run of samples, while their tokens come.
#ifndef MASKD_SERVER_MASKED_PART_H_
#define MASKD_SERVER_MASKED_PART_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "kernels/masking_spec.h"
#include "kernels/token_gatherer.h"
#include "proto/message_scanner.h"
#include "server/encode_response.h"
#include "server/reply_pool.h"

namespace maskd {

// The order of the tokens depends on none of them, so it is drawn first; then
// each token goes straight from where gRPC received it to its place in the
// response. Not thread-safe.
class MaskedPart {
 public:
  // `response` was reserved for `plan`, which has tokens and was made from
  // `spec`.
  MaskedPart(const MaskingSpec& spec, const MaskingPlan& plan, ReservedResponse response)
      : spec_(spec), plan_(plan), response_(std::move(response)) {}

  // Writes all results but the kept tokens. To be called before Take.
  //
  // Returns the errors of Masker::Mask.
  absl::Status DrawMasks(Masker& masker, ReplyPool& pool, const IsCancelled& is_cancelled);

  // Takes the next bytes of the tokens, at most bytes_left().
  void Take(Fragment tokens);

  // Takes all the tokens at once, on the threads of `gatherer`.
  void TakeAll(std::span<const Fragment> tokens, TokenGatherer& gatherer);

  std::int64_t bytes_left() const { return plan_.tokens_bytes - taken_; }

  // The response, once no bytes are left.
  grpc::Slice ToResponse() && { return std::move(response_.buffer).ToSlice(); }

 private:
  KeptTokensLayout Layout() const;

  const MaskingSpec spec_;
  const MaskingPlan plan_;
  ReservedResponse response_;
  ReplyPool::Buffer ids_restore_;  // if the response has none
  std::int64_t taken_ = 0;
};

}  // namespace maskd

#endif  // MASKD_SERVER_MASKED_PART_H_
