#include "server/streamed_batch.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "server/decode_request.h"
#include "server/encode_response.h"
#include "server/limits.h"

namespace maskd {
namespace {

// What a part takes, unless one sample takes more: enough that the cost of a
// message does not show, little enough that the first leaves early.
constexpr std::int64_t kPartBytes = std::int64_t{1} << 20;

// Tokens after which a part ends, unless one sample has more: callers wait for
// answers before they send on.
constexpr std::int64_t kPartTokensBytes = std::int64_t{4} << 20;

// What a masker needs for each token of one sequence.
constexpr std::int64_t kScratchBytesPerToken = 32;

}  // namespace

absl::StatusOr<std::unique_ptr<StreamedBatch>> StreamedBatch::Begin(std::unique_ptr<v1::BatchHeader> header,
                                                                    std::int64_t index, BlockPool* landing) {
  MASKD_ASSIGN_OR_RETURN(const MaskingSpec spec, DecodeSpec(*header));
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  if (plan.tokens_bytes > kMaxStreamedBytes) {
    return TooLarge(absl::StrCat("the tokens of batch ", index, " have ", plan.tokens_bytes,
                                 " bytes; a batch may have ", kMaxStreamedBytes, ", send smaller ones"));
  }
  return absl::WrapUnique(new StreamedBatch(std::move(header), index, spec, plan, landing));
}

std::int64_t StreamedBatch::SampleBytes() const {
  const std::int64_t length = plan_.sequence_length;
  std::int64_t bytes = plan_.result_bytes.total() / plan_.batch_size;
  if (!plan_.selection.ids_restore) bytes += length * IdBytes(plan_.selection.ids_type);
  // Draws and noise of a PartCutter.
  if (plan_.noise_source == NoiseSource::kTorchCpu) bytes += length * 8;
  return bytes;
}

std::int64_t StreamedBatch::SamplesOfPart() const {
  const std::int64_t tokens_bytes = std::max<std::int64_t>(plan_.tokens_bytes / plan_.batch_size, 1);
  return std::clamp<std::int64_t>(std::min(kPartBytes / SampleBytes(), kPartTokensBytes / tokens_bytes), 1,
                                  plan_.batch_size);
}

std::int64_t StreamedBatch::working_bytes() const {
  // One part is filled while the one before is sent.
  const std::int64_t parts = std::min<std::int64_t>(2 * SamplesOfPart(), plan_.batch_size) * SampleBytes();
  const std::int64_t messages = kMessagesHeld * std::min(plan_.tokens_bytes, kMaxChunkBytes);
  // Tokens that have landed are those of the part that is filled.
  const bool lands = landing_ != nullptr && plan_.selection.kept_tokens;
  const std::int64_t landed = lands ? SamplesOfPart() * (plan_.tokens_bytes / plan_.batch_size) : 0;
  return parts + messages + landed + plan_.sequence_length * kScratchBytesPerToken +
         static_cast<std::int64_t>(header_->ByteSizeLong());
}

absl::Status StreamedBatch::BeginPart(Masker& masker, ReplyPool& pool, const IsCancelled& is_cancelled,
                                      StageClock& stages) {
  const std::int64_t first = samples_begun_;
  const std::int64_t count = std::min(SamplesOfPart(), plan_.batch_size - first);
  const std::optional<MaskingSpec> spec = cutter_.Next(count, is_cancelled);
  if (!spec.has_value()) return absl::CancelledError("the caller has gone");
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(*spec));
  part_.emplace(*spec, plan,
                ReserveStreamPart(plan, *spec->token_type, index_, first, masker.backend(), pool), landing_);
  samples_begun_ += count;
  return part_->Begin(masker, pool, is_cancelled, stages);
}

absl::StatusOr<Fragment> StreamedBatch::Take(Fragment tokens, Masker& masker, ReplyPool& pool,
                                             const IsCancelled& is_cancelled, StageClock& stages) {
  if (!part_.has_value()) MASKD_RETURN_IF_ERROR(BeginPart(masker, pool, is_cancelled, stages));
  const std::size_t taken = std::min(tokens.size(), static_cast<std::size_t>(part_->bytes_left()));
  part_->Take(tokens.first(taken), stages);
  bytes_taken_ += static_cast<std::int64_t>(taken);
  if (part_->bytes_left() == 0) MASKD_RETURN_IF_ERROR(part_->Finish(masker, is_cancelled, stages));
  return tokens.subspan(taken);
}

grpc::ByteBuffer StreamedBatch::TakePart() {
  const grpc::Slice slice = std::move(*part_).ToResponse();
  part_.reset();
  return {&slice, 1};
}

}  // namespace maskd
