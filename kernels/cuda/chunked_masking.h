// One masking on one lane: the path of the data to the device and back.
#ifndef MASKD_KERNELS_CUDA_CHUNKED_MASKING_H_
#define MASKD_KERNELS_CUDA_CHUNKED_MASKING_H_

#include "absl/status/status.h"
#include "kernels/cuda/lane_pool.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"

namespace maskd {

// As Masker::Mask, on the current device and `lane`, a chunk of samples at a
// time, two of which are under way: one is copied while the kernels of the other
// run. With `read_in_place` tokens in pinned memory are read where they are. The
// streams of `lane` are idle on return, also after an error.
absl::Status MaskInChunks(const MaskingPlan& plan, const MaskingBuffers& buffers,
                          const IsCancelled& is_cancelled, bool read_in_place, Lane* lane);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_CHUNKED_MASKING_H_
