#include "tests/benchmark/transport/batch.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/result_layout.h"
#include "kernels/status_macros.h"

namespace maskd::transport {
namespace {

constexpr std::int64_t kTokensInPage = 64;

absl::Status Compare(absl::string_view name, std::uint64_t call, std::span<const std::byte> result,
                     std::span<const std::byte> expected) {
  if (result.size() != expected.size()) {
    return absl::DataLossError(
        absl::StrCat("call ", call, ": ", name, " has ", result.size(), " bytes, not ", expected.size()));
  }
  if (std::memcmp(result.data(), expected.data(), expected.size()) == 0) return absl::OkStatus();
  const auto wrong = std::ranges::mismatch(result, expected).in1 - result.begin();
  return absl::DataLossError(absl::StrCat("call ", call, ": byte ", wrong, " of ", name, " is wrong"));
}

}  // namespace

MaskingSpec RandomMaskingSpec(std::int64_t batch_size, std::uint64_t seed) {
  MaskingSpec spec = GenerateMaskSpec(batch_size, seed);
  spec.token_type = TokenType{.token_dim = kTokenDim, .element_bytes = kElementBytes};
  spec.selection.kept_tokens = true;
  return spec;
}

MaskingSpec GenerateMaskSpec(std::int64_t batch_size, std::uint64_t seed) {
  return {.batch_size = batch_size,
          .sequence_length = kSequenceLength,
          .mask_ratio = kMaskRatio,
          .seed = seed,
          .selection = {.mask = true, .ids_restore = true}};
}

std::int64_t BytesMoved(std::int64_t batch_size) {
  const auto plan = MakeMaskingPlan(RandomMaskingSpec(batch_size, 0));
  return plan->tokens_bytes + plan->result_bytes.total();
}

ResultSpans SpansOf(const ResultBytes& bytes, const MaskingBuffers& buffers) {
  return {.mask = {buffers.mask, static_cast<std::size_t>(bytes.mask)},
          .ids_restore = {buffers.ids_restore, static_cast<std::size_t>(bytes.ids_restore)},
          .kept_tokens = {buffers.kept_tokens, static_cast<std::size_t>(bytes.kept_tokens)}};
}

absl::StatusOr<CheckedBatch> CheckedBatch::WithTokens(std::int64_t batch_size) {
  CheckedBatch batch;
  const std::int64_t bytes = batch_size * kSequenceLength * kTokenBytes;
  batch.pages_.emplace(kTokensInPage + bytes);
  batch.tokens_ = batch.pages_->first(kTokensInPage + bytes).subspan(kTokensInPage);
  for (std::size_t i = 0; i < batch.tokens_.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t word = (i + 1) * 0x9E3779B97F4A7C15u;
    std::memcpy(&batch.tokens_[i], &word, sizeof(word));
  }
  const auto reference = MakeReferenceMasker();
  for (std::uint64_t seed = 0; seed < kNumSeeds; ++seed) {
    MASKD_RETURN_IF_ERROR(batch.Add(RandomMaskingSpec(batch_size, seed), *reference));
  }
  return batch;
}

absl::StatusOr<CheckedBatch> CheckedBatch::MasksAlone(std::int64_t batch_size) {
  CheckedBatch batch;
  const auto reference = MakeReferenceMasker();
  for (std::uint64_t seed = 0; seed < kNumSeeds; ++seed) {
    MASKD_RETURN_IF_ERROR(batch.Add(GenerateMaskSpec(batch_size, seed), *reference));
  }
  return batch;
}

absl::Status CheckedBatch::Add(const MaskingSpec& spec, Masker& reference) {
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  result_bytes_ = plan.result_bytes;
  std::vector<std::byte>& memory = memory_.emplace_back(static_cast<std::size_t>(result_bytes_.total()));
  MaskingBuffers buffers = LayOutResults(result_bytes_, memory.data());
  buffers.tokens = tokens_.data();
  specs_.push_back(spec);
  expected_.push_back(SpansOf(result_bytes_, buffers));
  return reference.Mask(plan, buffers);
}

absl::Status CheckedBatch::Check(std::uint64_t call, const ResultSpans& results) const {
  const ResultSpans& expected = expected_[call % kNumSeeds];
  MASKD_RETURN_IF_ERROR(Compare("mask", call, results.mask, expected.mask));
  MASKD_RETURN_IF_ERROR(Compare("ids_restore", call, results.ids_restore, expected.ids_restore));
  return Compare("kept_tokens", call, results.kept_tokens, expected.kept_tokens);
}

}  // namespace maskd::transport
