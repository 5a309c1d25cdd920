// The terms that the masked losses are means of; on host and device, with the
// same bits. On the device a warp computes a term (row_sum.h).
#ifndef MASKD_KERNELS_LOSS_TERMS_H_
#define MASKD_KERNELS_LOSS_TERMS_H_

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/float_types.h"
#include "kernels/host_device.h"
#include "kernels/loss_plans.h"
#include "kernels/portable_math.h"
#include "kernels/row_sum.h"

namespace maskd {

inline constexpr double kVarianceEpsilon = 1e-6;

// -log p[target] of one position; `row` [V] is its scores.
MASKD_HOST_DEVICE inline double NegativeLog(const NllPlan& plan, const std::byte* row, std::int64_t target) {
  const double score = LoadFloat(plan.score_type, row, target);
  if (plan.kind == ScoreKind::kProbabilities) return -Log(score);
  if (plan.kind == ScoreKind::kLogProbabilities) return -score;
  const auto at = [&](std::int64_t v) { return LoadFloat(plan.score_type, row, v); };
  const double max = RowMax(plan.num_classes, at);
  const double sum = RowSum(plan.num_classes, [&](std::int64_t v) { return Exp(at(v) - max); });
  return Log(sum) + max - score;
}

// Mean of (prediction - target)^2 of token l of sample n of the whole arrays.
MASKD_HOST_DEVICE inline double PatchError(const ReconstructionPlan& plan, const std::byte* prediction,
                                           const std::byte* target, std::int64_t n, std::int64_t l) {
  const std::int64_t size = plan.token_size;
  const std::int64_t first = (n * plan.sequence_length + l) * size;
  const auto target_at = [&](std::int64_t p) {
    return LoadFloat(plan.target_type, target, n * plan.image_size + plan.TargetIndex(l, p));
  };
  const auto square_of = [](double x) { return x * x; };
  double mean = 0;
  double deviation = 1;
  if (plan.normalize_target) {
    mean = RowSum(size, target_at) / static_cast<double>(size);
    const double squares = RowSum(size, [&](std::int64_t p) { return square_of(target_at(p) - mean); });
    deviation = sqrt(squares / static_cast<double>(size - 1) + kVarianceEpsilon);
  }
  const double squares = RowSum(size, [&](std::int64_t p) {
    const double wanted = plan.normalize_target ? (target_at(p) - mean) / deviation : target_at(p);
    return square_of(LoadFloat(plan.prediction_type, prediction, first + p) - wanted);
  });
  return squares / static_cast<double>(size);
}

}  // namespace maskd

#endif  // MASKD_KERNELS_LOSS_TERMS_H_
