#include "kernels/cpu/masked_losses.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/cpu/boolean_mask.h"
#include "kernels/cpu/first_place.h"
#include "kernels/float_types.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

constexpr double kVarianceEpsilon = 1e-6;

// A range of work of about this many numbers.
constexpr std::int64_t kRangeNumbers = std::int64_t{1} << 16;

std::int64_t IdAt(IdsType type, const std::byte* ids, std::int64_t position) {
  switch (type) {
    case IdsType::kInt64:
      return reinterpret_cast<const std::int64_t*>(ids)[position];
    case IdsType::kInt32:
      return reinterpret_cast<const std::int32_t*>(ids)[position];
    case IdsType::kUint16:
      return reinterpret_cast<const std::uint16_t*>(ids)[position];
  }
  return -1;
}

// Calls visit(double of element i) for i in [0, size) of `row`.
template <typename Visit>
void ForNumbers(FloatType type, const std::byte* row, std::int64_t size, const Visit& visit) {
  for (std::int64_t i = 0; i < size; ++i) visit(LoadFloat(type, row, i));
}

double LogSumExp(FloatType type, const std::byte* row, std::int64_t size) {
  double max = -std::numeric_limits<double>::infinity();
  ForNumbers(type, row, size, [&max](double x) { max = std::max(max, x); });
  double sum = 0;
  ForNumbers(type, row, size, [&](double x) { sum += std::exp(x - max); });
  return std::log(sum) + max;
}

// Indices of the ones of a mask; the error of what is neither 0 nor 1.
absl::StatusOr<std::vector<std::int64_t>> OnesOf(const std::byte* mask, BooleanType type,
                                                 std::int64_t count) {
  MASKD_ASSIGN_OR_RETURN(const std::int64_t num_ones, CountOnes(mask, type, count));
  std::vector<std::int64_t> ones;
  ones.reserve(static_cast<std::size_t>(num_ones));
  for (std::int64_t i = 0; i < count; ++i) {
    if (IsOne(mask, type, i)) ones.push_back(i);
  }
  return ones;
}

absl::StatusOr<MaskedMean> MeanOf(const std::vector<double>& terms) {
  double sum = 0;
  for (const double term : terms) sum += term;
  const auto count = static_cast<std::int64_t>(terms.size());
  return MaskedMean{.loss = sum / static_cast<double>(count), .count = count};
}

// Mean of (prediction - target)^2 of token l of a sample.
double PatchError(const ReconstructionPlan& plan, const std::byte* prediction, const std::byte* target,
                  std::int64_t l) {
  const std::int64_t size = plan.token_size;
  const auto target_at = [&](std::int64_t p) {
    return LoadFloat(plan.target_type, target, plan.TargetIndex(l, p));
  };
  double mean = 0;
  double deviation = 1;
  if (plan.normalize_target) {
    double sum = 0;
    for (std::int64_t p = 0; p < size; ++p) sum += target_at(p);
    mean = sum / static_cast<double>(size);
    double squares = 0;
    for (std::int64_t p = 0; p < size; ++p) {
      const double difference = target_at(p) - mean;
      squares += difference * difference;
    }
    deviation = std::sqrt(squares / static_cast<double>(size - 1) + kVarianceEpsilon);
  }
  double sum = 0;
  for (std::int64_t p = 0; p < size; ++p) {
    const double wanted = plan.normalize_target ? (target_at(p) - mean) / deviation : target_at(p);
    const double difference = LoadFloat(plan.prediction_type, prediction, l * size + p) - wanted;
    sum += difference * difference;
  }
  return sum / static_cast<double>(size);
}

}  // namespace

absl::StatusOr<MaskedMean> NllLoss(const NllPlan& plan, const std::byte* scores, const std::byte* target,
                                   const std::byte* mask, ThreadPool& threads) {
  MASKD_ASSIGN_OR_RETURN(const std::vector<std::int64_t> ones, OnesOf(mask, plan.mask_type, plan.positions));
  if (ones.empty()) return absl::InvalidArgumentError("mask has no 1: there is nothing to average");
  const std::int64_t classes = plan.num_classes;
  for (const std::int64_t position : ones) {
    const std::int64_t id = IdAt(plan.target_type, target, position);
    if (id >= 0 && id < classes) continue;
    return absl::InvalidArgumentError(absl::StrCat("target[", position, "] (in row-major order) is ", id,
                                                   "; there are ", classes, " classes, so it must be in [0, ",
                                                   classes, ")"));
  }
  std::vector<double> terms(ones.size());
  FirstPlace first_bad;
  const auto range = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t position = ones[static_cast<std::size_t>(i)];
      const std::byte* const row = scores + position * classes * FloatBytes(plan.score_type);
      const double score = LoadFloat(plan.score_type, row, IdAt(plan.target_type, target, position));
      double& term = terms[static_cast<std::size_t>(i)];
      switch (plan.kind) {
        case ScoreKind::kProbabilities:
          term = -std::log(score);
          if (!(score >= 0)) first_bad.Note(position);
          break;
        case ScoreKind::kLogProbabilities:
          term = -score;
          break;
        case ScoreKind::kLogits:
          term = LogSumExp(plan.score_type, row, classes) - score;
          break;
      }
    }
  };
  const std::int64_t numbers = plan.kind == ScoreKind::kLogits ? classes : 1;
  threads.ForRanges(static_cast<std::int64_t>(ones.size()),
                    std::max<std::int64_t>(1, kRangeNumbers / numbers), std::cref(range));
  if (const std::int64_t position = first_bad.value(); position >= 0) {
    const std::int64_t id = IdAt(plan.target_type, target, position);
    return absl::InvalidArgumentError(
        absl::StrCat("the probability of target ", id, " at position ", position, " (in row-major order) is ",
                     LoadFloat(plan.score_type, scores, position * classes + id), "; it must be 0 or more"));
  }
  return MeanOf(terms);
}

absl::StatusOr<MaskedMean> ReconstructionLoss(const ReconstructionPlan& plan, const std::byte* prediction,
                                              const std::byte* target, const std::byte* mask,
                                              ThreadPool& threads) {
  const std::int64_t length = plan.sequence_length;
  MASKD_ASSIGN_OR_RETURN(const std::vector<std::int64_t> removed,
                         OnesOf(mask, plan.mask_type, plan.batch_size * length));
  if (removed.empty())
    return absl::InvalidArgumentError("mask has no 1: no token was removed, there is nothing to average");
  std::vector<double> terms(removed.size());
  const auto range = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t token = removed[static_cast<std::size_t>(i)];
      const std::int64_t n = token / length;
      terms[static_cast<std::size_t>(i)] =
          PatchError(plan, prediction + n * length * plan.token_size * FloatBytes(plan.prediction_type),
                     target + n * plan.image_size * FloatBytes(plan.target_type), token % length);
    }
  };
  threads.ForRanges(static_cast<std::int64_t>(removed.size()),
                    std::max<std::int64_t>(1, kRangeNumbers / plan.token_size), std::cref(range));
  return MeanOf(terms);
}

}  // namespace maskd
