#include "client/maskload/verify_results.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"

namespace maskd::maskload {
namespace {

// What of the results is looked at, one sample at a time.
struct Sample {
  std::int64_t number;
  std::vector<std::int64_t> ids_restore;
  std::vector<float> mask;
};

absl::Status Wrong(const Sample& sample, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("sample ", sample.number, ": ", what));
}

absl::Status CheckMask(const MaskingPlan& plan, const Sample& sample) {
  std::vector<bool> seen(sample.ids_restore.size());
  std::int64_t removed = 0;
  for (std::int64_t l = 0; l < plan.sequence_length; ++l) {
    const std::int64_t place = sample.ids_restore[static_cast<std::size_t>(l)];
    if (place < 0 || place >= plan.sequence_length || seen[static_cast<std::size_t>(place)])
      return Wrong(sample, absl::StrCat("ids_restore is no permutation: token ", l, " has place ", place));
    seen[static_cast<std::size_t>(place)] = true;
    const float mask = sample.mask[static_cast<std::size_t>(l)];
    const float expected = place >= plan.num_keep ? 1.0F : 0.0F;
    // The bits: -0 equals 0.
    if (std::bit_cast<std::uint32_t>(mask) != std::bit_cast<std::uint32_t>(expected))
      return Wrong(sample, absl::StrCat("mask of token ", l, " is ", mask, " where its place is ", place));
    removed += mask == 1.0F ? 1 : 0;
  }
  if (removed == plan.sequence_length - plan.num_keep) return absl::OkStatus();
  return Wrong(sample,
               absl::StrCat(removed, " tokens are removed, not ", plan.sequence_length - plan.num_keep));
}

// `tokens` and `kept` are those of the sample.
absl::Status CheckKept(const MaskingPlan& plan, const Sample& sample, const std::byte* tokens,
                       const std::byte* kept) {
  for (std::int64_t l = 0; l < plan.sequence_length; ++l) {
    const std::int64_t place = sample.ids_restore[static_cast<std::size_t>(l)];
    if (place >= plan.num_keep) continue;
    if (std::memcmp(kept + place * plan.token_bytes, tokens + l * plan.token_bytes,
                    static_cast<std::size_t>(plan.token_bytes)) != 0)
      return Wrong(sample, absl::StrCat("kept token ", place, " is not token ", l, " that was sent"));
  }
  return absl::OkStatus();
}

}  // namespace

ResultVerifier::ResultVerifier() : masker_(MakeCpuMasker(/*num_threads=*/1)) {}

absl::Status ResultVerifier::Verify(const MaskingPlan& plan, std::span<const std::byte> tokens,
                                    const MaskingBuffers& results) const {
  const std::int64_t row_bytes = plan.result_bytes.mask / plan.batch_size;
  const std::int64_t ids_row_bytes = plan.result_bytes.ids_restore / plan.batch_size;
  Sample sample{.number = 0,
                .ids_restore = std::vector<std::int64_t>(static_cast<std::size_t>(plan.sequence_length)),
                .mask = std::vector<float>(static_cast<std::size_t>(plan.sequence_length))};
  for (std::int64_t n = 0; n < plan.batch_size; ++n) {
    sample.number = n;
    std::memcpy(sample.ids_restore.data(), results.ids_restore + n * ids_row_bytes,
                static_cast<std::size_t>(ids_row_bytes));
    std::memcpy(sample.mask.data(), results.mask + n * row_bytes, static_cast<std::size_t>(row_bytes));
    MASKD_RETURN_IF_ERROR(CheckMask(plan, sample));
    if (!plan.selection.kept_tokens) continue;
    const std::int64_t sample_tokens = plan.sequence_length * plan.token_bytes * n;
    const std::int64_t sample_kept = plan.num_keep * plan.token_bytes * n;
    MASKD_RETURN_IF_ERROR(
        CheckKept(plan, sample, tokens.data() + sample_tokens, results.kept_tokens + sample_kept));
  }
  MaskingPlan ids_alone = plan;
  ids_alone.selection.kept_tokens = ids_alone.selection.mask = false;
  std::vector<std::byte> drawn(static_cast<std::size_t>(plan.result_bytes.ids_restore));
  MASKD_RETURN_IF_ERROR(masker_->Mask(ids_alone, {.tokens = tokens.data(), .ids_restore = drawn.data()}));
  if (std::memcmp(drawn.data(), results.ids_restore, drawn.size()) == 0) return absl::OkStatus();
  return absl::DataLossError("ids_restore is not what the seed draws");
}

}  // namespace maskd::maskload
