// gather, scatter and scatter_add of arrays of the host.
#ifndef MASKD_KERNELS_CUDA_INDEXED_CALLS_H_
#define MASKD_KERNELS_CUDA_INDEXED_CALLS_H_

#include <cstddef>

#include "absl/status/status.h"
#include "kernels/cuda/device_call.h"
#include "kernels/tensor_plans.h"

namespace maskd {

// As the functions of TensorOps.
absl::Status GatherOnDevice(DeviceCaller& device, const IndexPlan& plan, const std::byte* input,
                            const std::byte* index, std::byte* output);
absl::Status ScatterOnDevice(DeviceCaller& device, const IndexPlan& plan, const std::byte* index,
                             const std::byte* src, std::byte* output);
absl::Status ScatterAddOnDevice(DeviceCaller& device, const IndexPlan& plan, FloatType type,
                                const std::byte* index, const std::byte* src, std::byte* output);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_INDEXED_CALLS_H_
