// The terms of the masked losses on the device, with the bits of the host's.
#ifndef MASKD_KERNELS_CUDA_MASKED_LOSSES_H_
#define MASKD_KERNELS_CUDA_MASKED_LOSSES_H_

#include <cuda_runtime_api.h>

#include <cstddef>

#include "kernels/loss_plans.h"

namespace maskd {

// Each function enqueues its work on `stream`, and does not synchronize. Arrays are
// in device memory, aligned to their elements. Terms are written where the mask is
// 1 alone; there, targets have to be classes. Returns the error of the launch;
// errors while running surface at the next synchronization of `stream`.

// terms[i] = -log p[target[i]], scores being [positions, V]; positions >= 1.
cudaError_t LaunchNllTerms(const NllPlan& plan, const std::byte* scores, const std::byte* target,
                           const std::byte* mask, double* terms, cudaStream_t stream);

// terms[n, l] = the mean of (prediction - target)^2 of a token; N * L >= 1.
cudaError_t LaunchPatchErrors(const ReconstructionPlan& plan, const std::byte* prediction,
                              const std::byte* target, const std::byte* mask, double* terms,
                              cudaStream_t stream);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_MASKED_LOSSES_H_
