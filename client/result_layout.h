// Results one behind the other in one piece of memory.
#ifndef MASKD_CLIENT_RESULT_LAYOUT_H_
#define MASKD_CLIENT_RESULT_LAYOUT_H_

#include <cstddef>
#include <cstdint>

#include "kernels/masker.h"
#include "kernels/masking_plan.h"

namespace maskd {

// Places for the results that have `bytes` in `memory` of bytes.total() bytes, the
// kept tokens last, as on the wire; null for the others.
inline MaskingBuffers LayOutResults(const ResultBytes& bytes, std::byte* memory) {
  const auto take = [&memory](std::int64_t size) {
    std::byte* const place = size > 0 ? memory : nullptr;
    memory += size;
    return place;
  };
  MaskingBuffers places = {.mask = take(bytes.mask),
                           .ids_restore = take(bytes.ids_restore),
                           .ids_keep = take(bytes.ids_keep),
                           .ids_mask = take(bytes.ids_mask),
                           .noise = take(bytes.noise)};
  places.kept_tokens = take(bytes.kept_tokens);
  return places;
}

}  // namespace maskd

#endif  // MASKD_CLIENT_RESULT_LAYOUT_H_
