// masked_select and the masked losses of arrays of the host.
#ifndef MASKD_KERNELS_CUDA_MASKED_CALLS_H_
#define MASKD_KERNELS_CUDA_MASKED_CALLS_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/cuda/device_call.h"
#include "kernels/tensor_plans.h"

namespace maskd {

// As the functions of TensorOps. Losses of probabilities are computed on the caller's
// thread: they read one score a position, and the device would need all.
absl::StatusOr<std::int64_t> CountSelectedOnDevice(DeviceCaller& device, const SelectPlan& plan,
                                                   const std::byte* mask);
absl::Status MaskedSelectOnDevice(DeviceCaller& device, const SelectPlan& plan, const std::byte* input,
                                  const std::byte* mask, std::byte* selected);
absl::StatusOr<MaskedMean> NllLossOnDevice(DeviceCaller& device, const NllPlan& plan, const std::byte* scores,
                                           const std::byte* target, const std::byte* mask);
absl::StatusOr<MaskedMean> ReconstructionLossOnDevice(DeviceCaller& device, const ReconstructionPlan& plan,
                                                      const std::byte* prediction, const std::byte* target,
                                                      const std::byte* mask);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_MASKED_CALLS_H_
