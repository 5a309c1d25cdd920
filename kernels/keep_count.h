// How many tokens a mask ratio keeps.
#ifndef MASKD_KERNELS_KEEP_COUNT_H_
#define MASKD_KERNELS_KEEP_COUNT_H_

#include <cstdint>

#include "kernels/masking_spec.h"

namespace maskd {

// K of `sequence_length` >= 0 tokens for `mask_ratio` in [0, 1), by `rule`. In
// double, without fused multiply-add: a float32 ratio would change K.
// docs/semantics.md, section 2, has the rules and who uses them.
std::int64_t CountKept(std::int64_t sequence_length, double mask_ratio, KeepCountRule rule);

}  // namespace maskd

#endif  // MASKD_KERNELS_KEEP_COUNT_H_
