// The losses over a mask: the same bits whatever the threads.
#ifndef MASKD_KERNELS_CPU_MASKED_LOSSES_H_
#define MASKD_KERNELS_CPU_MASKED_LOSSES_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/tensor_plans.h"

namespace maskd {

// As the functions of TensorOps.
absl::StatusOr<MaskedMean> NllLoss(const NllPlan& plan, const std::byte* scores, const std::byte* target,
                                   const std::byte* mask, ThreadPool& threads);
absl::StatusOr<MaskedMean> ReconstructionLoss(const ReconstructionPlan& plan, const std::byte* prediction,
                                              const std::byte* target, const std::byte* mask,
                                              ThreadPool& threads);

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_MASKED_LOSSES_H_
