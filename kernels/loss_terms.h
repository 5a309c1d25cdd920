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

// Element i of a row of numbers, as a double.
struct LoadFloat32 {
  const float* row;
  MASKD_HOST_DEVICE double operator()(std::int64_t i) const { return static_cast<double>(row[i]); }
};
struct LoadAnyFloat {
  FloatType type;
  const std::byte* row;
  MASKD_HOST_DEVICE double operator()(std::int64_t i) const { return LoadFloat(type, row, i); }
};

// Calls visit(function that loads element i of `row`), with one for float32 alone
// where it is that, because most numbers are.
template <typename Visit>
MASKD_HOST_DEVICE double WithNumbers(FloatType type, const std::byte* row, const Visit& visit) {
  if (type == FloatType::kFloat32) return visit(LoadFloat32{reinterpret_cast<const float*>(row)});
  return visit(LoadAnyFloat{type, row});
}

// -log p[target] of one position; `row` [V] is its scores.
MASKD_HOST_DEVICE inline double NegativeLog(const NllPlan& plan, const std::byte* row, std::int64_t target) {
  const double score = LoadFloat(plan.score_type, row, target);
  if (plan.kind == ScoreKind::kProbabilities) return -Log(score);
  if (plan.kind == ScoreKind::kLogProbabilities) return -score;
  return WithNumbers(plan.score_type, row, [&](const auto& at) {
    const double max = RowMax(plan.num_classes, at);
    const double sum = RowSum(plan.num_classes, [&](std::int64_t v) { return Exp(at(v) - max); });
    return Log(sum) + max - score;
  });
}

// Mean of (predicted(p) - wanted(p))^2 over p in [0, size), wanted being normalized
// if `normalize`.
template <typename Predicted, typename Wanted>
MASKD_HOST_DEVICE double MeanSquare(std::int64_t size, bool normalize, const Predicted& predicted,
                                    const Wanted& wanted) {
  const auto square_of = [](double x) { return x * x; };
  const auto count = static_cast<double>(size);
  if (!normalize)
    return RowSum(size, [&](std::int64_t p) { return square_of(predicted(p) - wanted(p)); }) / count;
  const double mean = RowSum(size, wanted) / count;
  const double squares = RowSum(size, [&](std::int64_t p) { return square_of(wanted(p) - mean); });
  const double deviation = sqrt(squares / (count - 1) + kVarianceEpsilon);
  return RowSum(size,
                [&](std::int64_t p) { return square_of(predicted(p) - (wanted(p) - mean) / deviation); }) /
         count;
}

// Mean of (prediction - target)^2 of token l of sample n of the whole arrays.
MASKD_HOST_DEVICE inline double PatchError(const ReconstructionPlan& plan, const std::byte* prediction,
                                           const std::byte* target, std::int64_t n, std::int64_t l) {
  const std::int64_t size = plan.token_size;
  const std::int64_t token = n * plan.sequence_length + l;
  const std::byte* const row = prediction + token * size * FloatBytes(plan.prediction_type);
  const std::byte* const sample = target + n * plan.image_size * FloatBytes(plan.target_type);
  return WithNumbers(plan.prediction_type, row, [&](const auto& predicted) {
    return WithNumbers(plan.target_type, sample, [&](const auto& numbers) {
      if (plan.patch_size == 0) {
        const auto wanted = [&](std::int64_t p) { return numbers(l * size + p); };
        return MeanSquare(size, plan.normalize_target, predicted, wanted);
      }
      const auto wanted = [&](std::int64_t p) { return numbers(plan.TargetIndex(l, p)); };
      return MeanSquare(size, plan.normalize_target, predicted, wanted);
    });
  });
}

}  // namespace maskd

#endif  // MASKD_KERNELS_LOSS_TERMS_H_
