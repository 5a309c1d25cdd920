// The errors of values that break a rule, as TensorOps returns them: each names the
// place and the value.
#ifndef MASKD_KERNELS_VALUE_ERRORS_H_
#define MASKD_KERNELS_VALUE_ERRORS_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/tensor_plans.h"

namespace maskd {

// Each is OK if `position` is negative.

// An index that is not in the input.
absl::Status IndexError(const IndexPlan& plan, const std::byte* index, std::int64_t position);

// An id at which its row of ids_restore is no permutation.
absl::Status IdsRestoreError(const RestorePlan& plan, const std::byte* ids_restore, std::int64_t position);

// An element of a mask that is neither 0 nor 1.
absl::Status MaskError(BooleanType type, const std::byte* mask, std::int64_t position);

// A target that is no class.
absl::Status TargetError(const NllPlan& plan, const std::byte* target, std::int64_t position);

// A probability, of a target, that is below 0 or NaN.
absl::Status ProbabilityError(const NllPlan& plan, const std::byte* scores, const std::byte* target,
                              std::int64_t position);

// Number of ones in a mask of `count` elements, or the MaskError of the first
// that is neither 0 nor 1.
absl::StatusOr<std::int64_t> CountOnes(BooleanType type, const std::byte* mask, std::int64_t count);

// The same of the mask of a loss, in which there has to be a 1; and the
// TargetError of the first target that is needed.
absl::StatusOr<std::int64_t> CheckNllOperands(const NllPlan& plan, const std::byte* target,
                                              const std::byte* mask);
absl::StatusOr<std::int64_t> CheckReconstructionMask(const ReconstructionPlan& plan, const std::byte* mask);

}  // namespace maskd

#endif  // MASKD_KERNELS_VALUE_ERRORS_H_
