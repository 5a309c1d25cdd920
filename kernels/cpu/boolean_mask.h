// Masks of zeros and ones in the types that they come in.
#ifndef MASKD_KERNELS_CPU_BOOLEAN_MASK_H_
#define MASKD_KERNELS_CPU_BOOLEAN_MASK_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "kernels/tensor_plans.h"

namespace maskd {

// Element i, whatever it is.
inline float MaskElement(const std::byte* mask, BooleanType type, std::int64_t i) {
  return type == BooleanType::kUint8 ? static_cast<float>(mask[i]) : reinterpret_cast<const float*>(mask)[i];
}

// Of a mask that CountOnes has taken.
inline bool IsOne(const std::byte* mask, BooleanType type, std::int64_t i) {
  return MaskElement(mask, type, i) == 1;
}

// Number of ones in a mask of `count` elements; the error of one that is neither
// 0 nor 1.
inline absl::StatusOr<std::int64_t> CountOnes(const std::byte* mask, BooleanType type, std::int64_t count) {
  std::int64_t ones = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = MaskElement(mask, type, i);
    if (value == 1) {
      ++ones;
    } else if (value != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("mask[", i, "] (in row-major order) is ", value, "; it must be 0 or 1"));
    }
  }
  return ones;
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_BOOLEAN_MASK_H_
