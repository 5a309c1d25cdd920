// One masking on one lane: the path of the data to the device and back.
#ifndef MASKD_KERNELS_CUDA_CHUNKED_MASKING_H_
#define MASKD_KERNELS_CUDA_CHUNKED_MASKING_H_

#include "absl/status/status.h"
#include "kernels/cuda/lane_pool.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"

namespace maskd {

// As Masker::Mask, on the current device and `lane`, a chunk of samples at a
// time. The stream of `lane` is idle on return, also after an error.
absl::Status MaskInChunks(const MaskingPlan& plan, const MaskingBuffers& buffers,
                          const IsCancelled& is_cancelled, Lane* lane);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_CHUNKED_MASKING_H_
