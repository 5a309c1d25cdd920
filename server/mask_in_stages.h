// Masking that says what of it was copying.
#ifndef MASKD_SERVER_MASK_IN_STAGES_H_
#define MASKD_SERVER_MASK_IN_STAGES_H_

#include "absl/status/status.h"
#include "kernels/masker.h"
#include "server/limits.h"
#include "server/stage_clock.h"

namespace maskd {

// masker.Mask, of whose time the copies to and from a device are counted as their own
// stages. Not of small results, for which that would take longer than they do.
inline absl::Status MaskInStages(Masker& masker, const MaskingPlan& plan, MaskingBuffers buffers,
                                 const IsCancelled& is_cancelled, StageClock& stages) {
  CopyTimes copies;
  if (plan.result_bytes.total() > kSmallCallBytes) buffers.copy_times = &copies;
  const absl::Status status = masker.Mask(plan, buffers, is_cancelled);
  stages.Split(Stage::kCopyToDevice, copies.to_device);
  stages.Split(Stage::kCopyFromDevice, copies.from_device);
  return status;
}

}  // namespace maskd

#endif  // MASKD_SERVER_MASK_IN_STAGES_H_
