// The losses of the reference backend, as TensorOps states them.
#ifndef MASKD_KERNELS_REFERENCE_LOSSES_H_
#define MASKD_KERNELS_REFERENCE_LOSSES_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "kernels/tensor_plans.h"

namespace maskd {

absl::StatusOr<MaskedMean> ReferenceNllLoss(const NllPlan& plan, const std::byte* scores,
                                            const std::byte* target, const std::byte* mask);

absl::StatusOr<MaskedMean> ReferenceReconstructionLoss(const ReconstructionPlan& plan,
                                                       const std::byte* prediction, const std::byte* target,
                                                       const std::byte* mask);

}  // namespace maskd

#endif  // MASKD_KERNELS_REFERENCE_LOSSES_H_
