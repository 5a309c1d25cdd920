#include "kernels/value_errors.h"

#include "absl/strings/str_cat.h"
#include "kernels/float_types.h"
#include "kernels/load_element.h"
#include "kernels/status_macros.h"

namespace maskd {

absl::Status IndexError(const IndexPlan& plan, const std::byte* index, std::int64_t position) {
  if (position < 0) return absl::OkStatus();
  return IndexOutOfRange(plan, position, LoadId(plan.index_type, index, position));
}

absl::Status IdsRestoreError(const RestorePlan& plan, const std::byte* ids_restore, std::int64_t position) {
  if (position < 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("ids_restore[", position / plan.sequence_length, ", ", position % plan.sequence_length,
                   "] is ", LoadId(plan.ids_type, ids_restore, position), "; a row has each of 0 to ",
                   plan.sequence_length - 1, " once"));
}

absl::Status MaskError(BooleanType type, const std::byte* mask, std::int64_t position) {
  if (position < 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("mask[", position, "] (in row-major order) is ",
                                                 LoadBoolean(type, mask, position), "; it must be 0 or 1"));
}

absl::Status TargetError(const NllPlan& plan, const std::byte* target, std::int64_t position) {
  if (position < 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "target[", position, "] (in row-major order) is ", LoadId(plan.target_type, target, position),
      "; there are ", plan.num_classes, " classes, so it must be in [0, ", plan.num_classes, ")"));
}

absl::Status ProbabilityError(const NllPlan& plan, const std::byte* scores, const std::byte* target,
                              std::int64_t position) {
  if (position < 0) return absl::OkStatus();
  const std::int64_t id = LoadId(plan.target_type, target, position);
  return absl::InvalidArgumentError(absl::StrCat(
      "the probability of target ", id, " at position ", position, " (in row-major order) is ",
      LoadFloat(plan.score_type, scores, position * plan.num_classes + id), "; it must be 0 or more"));
}

absl::StatusOr<std::int64_t> CountOnes(BooleanType type, const std::byte* mask, std::int64_t count) {
  std::int64_t ones = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = LoadBoolean(type, mask, i);
    if (value == 1) {
      ++ones;
    } else if (value != 0) {
      return MaskError(type, mask, i);
    }
  }
  return ones;
}

absl::StatusOr<std::int64_t> CheckNllOperands(const NllPlan& plan, const std::byte* target,
                                              const std::byte* mask) {
  MASKD_ASSIGN_OR_RETURN(const std::int64_t ones, CountOnes(plan.mask_type, mask, plan.positions));
  if (ones == 0) return absl::InvalidArgumentError("mask has no 1: there is nothing to average");
  for (std::int64_t i = 0; i < plan.positions; ++i) {
    if (!IsOne(plan.mask_type, mask, i)) continue;
    const std::int64_t id = LoadId(plan.target_type, target, i);
    if (id < 0 || id >= plan.num_classes) return TargetError(plan, target, i);
  }
  return ones;
}

absl::StatusOr<std::int64_t> CheckReconstructionMask(const ReconstructionPlan& plan, const std::byte* mask) {
  const std::int64_t tokens = plan.batch_size * plan.sequence_length;
  MASKD_ASSIGN_OR_RETURN(const std::int64_t ones, CountOnes(plan.mask_type, mask, tokens));
  if (ones == 0)
    return absl::InvalidArgumentError("mask has no 1: no token was removed, there is nothing to average");
  return ones;
}

}  // namespace maskd
