// Single elements of arrays, for the reference backend.
#ifndef MASKD_KERNELS_REFERENCE_ELEMENTS_H_
#define MASKD_KERNELS_REFERENCE_ELEMENTS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/load_element.h"
#include "kernels/tensor_plans.h"

namespace maskd {

template <typename Value>
void Store(Value value, std::byte* base, std::int64_t i) {
  std::memcpy(base + i * static_cast<std::int64_t>(sizeof value), &value, sizeof value);
}

// INVALID_ARGUMENT unless element i of a mask is 0 or 1.
inline absl::Status CheckMask(BooleanType type, const std::byte* mask, std::int64_t i) {
  const float value = LoadBoolean(type, mask, i);
  if (value == 0 || value == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("mask: element ", i, " is ", value, "; every element must be 0 or 1"));
}

}  // namespace maskd

#endif  // MASKD_KERNELS_REFERENCE_ELEMENTS_H_
