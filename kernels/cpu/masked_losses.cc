#include "kernels/cpu/masked_losses.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "kernels/cpu/first_place.h"
#include "kernels/float_bits.h"
#include "kernels/float_types.h"
#include "kernels/load_element.h"
#include "kernels/loss_terms.h"
#include "kernels/status_macros.h"
#include "kernels/value_errors.h"

namespace maskd {
namespace {

// A range of work of about this many numbers.
constexpr std::int64_t kRangeNumbers = std::int64_t{1} << 16;

// The mean of term(i) over the `num_ones` places i at which the mask is 1, terms
// added in ascending i. A term is made of about `numbers` numbers.
template <typename Term>
MaskedMean MeanOf(BooleanType type, const std::byte* mask, std::int64_t num_ones, std::int64_t numbers,
                  ThreadPool& threads, const Term& term) {
  std::vector<std::int64_t> ones;
  ones.reserve(static_cast<std::size_t>(num_ones));
  for (std::int64_t i = 0; std::ssize(ones) < num_ones; ++i) {
    if (IsOne(type, mask, i)) ones.push_back(i);
  }
  std::vector<double> terms(ones.size());
  const auto range = [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
      terms[i] = term(ones[i]);
  };
  threads.ForRanges(num_ones, std::max<std::int64_t>(1, kRangeNumbers / numbers), std::cref(range));
  double sum = 0;
  for (const double one : terms) sum += one;
  return {.loss = CanonicalNan(sum / static_cast<double>(num_ones)), .count = num_ones};
}

}  // namespace

absl::StatusOr<MaskedMean> NllLoss(const NllPlan& plan, const std::byte* scores, const std::byte* target,
                                   const std::byte* mask, ThreadPool& threads) {
  MASKD_ASSIGN_OR_RETURN(const std::int64_t num_ones, CheckNllOperands(plan, target, mask));
  const std::int64_t row_bytes = plan.num_classes * FloatBytes(plan.score_type);
  FirstPlace first_bad;
  const auto term = [&](std::int64_t position) {
    const std::byte* const row = scores + position * row_bytes;
    const std::int64_t id = LoadId(plan.target_type, target, position);
    if (plan.kind == ScoreKind::kProbabilities && !(LoadFloat(plan.score_type, row, id) >= 0))
      first_bad.Note(position);
    return NegativeLog(plan, row, id);
  };
  const std::int64_t numbers = plan.kind == ScoreKind::kLogits ? plan.num_classes : 1;
  const MaskedMean mean = MeanOf(plan.mask_type, mask, num_ones, numbers, threads, term);
  MASKD_RETURN_IF_ERROR(ProbabilityError(plan, scores, target, first_bad.value()));
  return mean;
}

absl::StatusOr<MaskedMean> ReconstructionLoss(const ReconstructionPlan& plan, const std::byte* prediction,
                                              const std::byte* target, const std::byte* mask,
                                              ThreadPool& threads) {
  MASKD_ASSIGN_OR_RETURN(const std::int64_t num_ones, CheckReconstructionMask(plan, mask));
  const auto term = [&](std::int64_t token) {
    return PatchError(plan, prediction, target, token / plan.sequence_length, token % plan.sequence_length);
  };
  return MeanOf(plan.mask_type, mask, num_ones, plan.token_size, threads, term);
}

}  // namespace maskd
