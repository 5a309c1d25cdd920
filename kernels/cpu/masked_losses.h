// The losses over a mask. One sum in double, in row-major order: the same bits
// whatever the threads.
#ifndef MASKD_KERNELS_CPU_MASKED_LOSSES_H_
#define MASKD_KERNELS_CPU_MASKED_LOSSES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

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

// Indices of the ones of a mask of `count` elements; the error of one that is
// neither 0 nor 1.
absl::StatusOr<std::vector<std::int64_t>> OnesOf(const std::byte* mask, BooleanType type, std::int64_t count);

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_MASKED_LOSSES_H_
