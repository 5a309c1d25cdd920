#include "kernels/reference_losses.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/float_bits.h"
#include "kernels/float_types.h"
#include "kernels/load_element.h"
#include "kernels/portable_math.h"
#include "kernels/reference_elements.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

// The sum of a row: term i goes to lane i % 32, then the upper half of the lanes
// is added to the lower until one is left.
double SumInLanes(const std::vector<double>& terms) {
  std::vector<double> lanes(32);
  for (std::size_t i = 0; i < terms.size(); ++i) lanes[i % 32] += terms[i];
  for (std::size_t half = 16; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

// -log p[target] of position i.
absl::StatusOr<double> NegativeLog(const NllPlan& plan, const std::byte* scores, std::int64_t i,
                                   std::int64_t target) {
  const auto score = [&](std::int64_t v) {
    return LoadFloat(plan.score_type, scores, i * plan.num_classes + v);
  };
  if (plan.kind == ScoreKind::kLogProbabilities) return -score(target);
  if (plan.kind == ScoreKind::kProbabilities) {
    const double probability = score(target);
    if (probability >= 0) return -Log(probability);
    return absl::InvalidArgumentError(absl::StrCat("scores: the probability of the target at position ", i,
                                                   " is ", probability, "; it must be 0 or more"));
  }
  double max = -std::numeric_limits<double>::infinity();
  for (std::int64_t v = 0; v < plan.num_classes; ++v) max = std::max(max, score(v));
  std::vector<double> exponentials;
  for (std::int64_t v = 0; v < plan.num_classes; ++v) exponentials.push_back(Exp(score(v) - max));
  return Log(SumInLanes(exponentials)) + max - score(target);
}

// (values - mean) / sqrt(unbiased variance + 1e-6).
void Normalize(std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  const double mean = SumInLanes(values) / count;
  std::vector<double> squares;
  for (const double value : values) squares.push_back((value - mean) * (value - mean));
  const double deviation = std::sqrt(SumInLanes(squares) / (count - 1) + 1e-6);
  for (double& value : values) value = (value - mean) / deviation;
}

}  // namespace

absl::StatusOr<MaskedMean> ReferenceNllLoss(const NllPlan& plan, const std::byte* scores,
                                            const std::byte* target, const std::byte* mask) {
  double sum = 0;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < plan.positions; ++i) {
    MASKD_RETURN_IF_ERROR(CheckMask(plan.mask_type, mask, i));
    if (!IsOne(plan.mask_type, mask, i)) continue;
    const std::int64_t id = LoadId(plan.target_type, target, i);
    if (id < 0 || id >= plan.num_classes) {
      return absl::InvalidArgumentError(absl::StrCat("target: position ", i, " is ", id,
                                                     "; where the mask is 1 it must be in [0, ",
                                                     plan.num_classes, ")"));
    }
    MASKD_ASSIGN_OR_RETURN(const double loss, NegativeLog(plan, scores, i, id));
    sum += loss;
    ++count;
  }
  if (count == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("mask: none of ", plan.positions, " positions is 1; a mean needs at least one"));
  }
  return MaskedMean{.loss = CanonicalNan(sum / static_cast<double>(count)), .count = count};
}

absl::StatusOr<MaskedMean> ReferenceReconstructionLoss(const ReconstructionPlan& plan,
                                                       const std::byte* prediction, const std::byte* target,
                                                       const std::byte* mask) {
  const std::int64_t L = plan.sequence_length;
  const std::int64_t P = plan.token_size;
  const std::int64_t sample_size = plan.patch_size == 0 ? L * P : plan.image_size;
  double sum = 0;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < plan.batch_size * L; ++i) {
    MASKD_RETURN_IF_ERROR(CheckMask(plan.mask_type, mask, i));
    if (!IsOne(plan.mask_type, mask, i)) continue;
    std::vector<double> patch;
    for (std::int64_t p = 0; p < P; ++p) {
      const std::int64_t place = i / L * sample_size + plan.TargetIndex(i % L, p);
      patch.push_back(LoadFloat(plan.target_type, target, place));
    }
    if (plan.normalize_target) Normalize(patch);
    std::vector<double> squares;
    for (std::int64_t p = 0; p < P; ++p) {
      const double difference =
          LoadFloat(plan.prediction_type, prediction, i * P + p) - patch[static_cast<std::size_t>(p)];
      squares.push_back(difference * difference);
    }
    sum += SumInLanes(squares) / static_cast<double>(P);
    ++count;
  }
  if (count == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("mask: none of ", plan.batch_size * L, " tokens is removed; a mean needs at least one"));
  }
  return MaskedMean{.loss = CanonicalNan(sum / static_cast<double>(count)), .count = count};
}

}  // namespace maskd
