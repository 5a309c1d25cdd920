// From the forms of the tensors that an operation is called with to its plan:
// what their types may be, and what has to be the same, here; their shapes in
// tensor_plans.h. Errors are INVALID_ARGUMENT with argument, value and rule.
#ifndef MASKD_KERNELS_TENSOR_ARGUMENTS_H_
#define MASKD_KERNELS_TENSOR_ARGUMENTS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "kernels/tensor_form.h"
#include "kernels/tensor_plans.h"

namespace maskd {

// `dim` and `index_rank` as of IndexSpec.
absl::StatusOr<IndexPlan> MakeGatherPlan(const TensorForm& input, const TensorForm& index, std::int64_t dim,
                                         std::int64_t index_rank);
absl::StatusOr<IndexPlan> MakeScatterPlan(const TensorForm& input, const TensorForm& index,
                                          const TensorForm& src, std::int64_t dim, std::int64_t index_rank);

// `fill` is one token, or null for zeros.
absl::StatusOr<RestorePlan> MakeRestorePlan(const TensorForm& kept_tokens, const TensorForm& ids_restore,
                                            const TensorForm* fill, std::int64_t num_prefix);

absl::StatusOr<SelectPlan> MakeSelectPlan(const TensorForm& input, const TensorForm& mask);

// `spec` but for its values. The padding value has `padding_bytes`, 0 for zeros.
absl::StatusOr<PadPlan> MakePadPlan(const TensorForm& values, PadSpec spec, std::size_t padding_bytes);
// What the mask of `plan` is.
TensorForm MaskForm(const PadPlan& plan);

absl::StatusOr<NllPlan> MakeNllPlan(const TensorForm& scores, const TensorForm& target,
                                    const TensorForm& mask, ScoreKind kind);

// `spec` but for shapes and types.
absl::StatusOr<ReconstructionPlan> MakeReconstructionPlan(const TensorForm& prediction,
                                                          const TensorForm& target, const TensorForm& mask,
                                                          ReconstructionSpec spec);

}  // namespace maskd

#endif  // MASKD_KERNELS_TENSOR_ARGUMENTS_H_
