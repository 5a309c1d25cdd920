// Single elements of arrays, for the reference backend.
#ifndef MASKD_KERNELS_REFERENCE_ELEMENTS_H_
#define MASKD_KERNELS_REFERENCE_ELEMENTS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/tensor_plans.h"

namespace maskd {

template <typename Value>
Value Load(const std::byte* base, std::int64_t i) {
  Value value;
  std::memcpy(&value, base + i * static_cast<std::int64_t>(sizeof value), sizeof value);
  return value;
}

template <typename Value>
void Store(Value value, std::byte* base, std::int64_t i) {
  std::memcpy(base + i * static_cast<std::int64_t>(sizeof value), &value, sizeof value);
}

inline std::int64_t LoadId(IdsType type, const std::byte* ids, std::int64_t i) {
  if (type == IdsType::kInt64) return Load<std::int64_t>(ids, i);
  if (type == IdsType::kInt32) return Load<std::int32_t>(ids, i);
  return Load<std::uint16_t>(ids, i);
}

inline double LoadMask(BooleanType type, const std::byte* mask, std::int64_t i) {
  if (type == BooleanType::kUint8) return Load<std::uint8_t>(mask, i);
  return static_cast<double>(Load<float>(mask, i));
}

// INVALID_ARGUMENT unless element i of a mask is 0 or 1.
inline absl::Status CheckMask(BooleanType type, const std::byte* mask, std::int64_t i) {
  const double value = LoadMask(type, mask, i);
  if (value == 0 || value == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("mask: element ", i, " is ", value, "; every element must be 0 or 1"));
}

}  // namespace maskd

#endif  // MASKD_KERNELS_REFERENCE_ELEMENTS_H_
