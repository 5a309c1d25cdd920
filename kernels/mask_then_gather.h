// Kept tokens by an order that was drawn elsewhere.
#ifndef MASKD_KERNELS_MASK_THEN_GATHER_H_
#define MASKD_KERNELS_MASK_THEN_GATHER_H_

#include <functional>

#include "absl/status/status.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "kernels/token_gatherer.h"

namespace maskd {

// As Masker::Mask: has `mask` write all results but the kept tokens, for which it
// gets a plan without tokens, and gathers those on the threads of `gatherer`.
//
// Returns the errors of `mask`, CANCELLED if `is_cancelled` says so and
// RESOURCE_EXHAUSTED if there is no memory for the order.
absl::Status MaskThenGather(
    const MaskingPlan& plan, const MaskingBuffers& buffers, const IsCancelled& is_cancelled,
    TokenGatherer& gatherer,
    const std::function<absl::Status(const MaskingPlan& plan, const MaskingBuffers& buffers)>& mask);

}  // namespace maskd

#endif  // MASKD_KERNELS_MASK_THEN_GATHER_H_
