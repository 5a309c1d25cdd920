// Ids and masks in the types that the caller asked for.
#ifndef MASKD_KERNELS_CPU_WRITE_RESULTS_H_
#define MASKD_KERNELS_CPU_WRITE_RESULTS_H_

#include <cstdint>
#include <span>

#include "kernels/masker.h"
#include "kernels/masking_plan.h"

namespace maskd {

// Writes mask, ids_restore, ids_keep and ids_mask of sequence n, where `plan`
// selects them, to `buffers`.
void WriteMaskAndIds(const MaskingPlan& plan, std::int64_t n, std::span<const std::uint32_t> ids_shuffle,
                     std::span<const std::uint32_t> ids_restore, const MaskingBuffers& buffers);

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_WRITE_RESULTS_H_
