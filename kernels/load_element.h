// Single elements of arrays of ids and of masks, whatever their type; on host and
// device. float_types.h has those of numbers.
#ifndef MASKD_KERNELS_LOAD_ELEMENT_H_
#define MASKD_KERNELS_LOAD_ELEMENT_H_

#include <cstddef>
#include <cstdint>

#include "kernels/host_device.h"
#include "kernels/loss_plans.h"
#include "kernels/masking_spec.h"

namespace maskd {

MASKD_HOST_DEVICE inline std::int64_t LoadId(IdsType type, const std::byte* ids, std::int64_t i) {
  switch (type) {
    case IdsType::kInt64:
      return reinterpret_cast<const std::int64_t*>(ids)[i];
    case IdsType::kInt32:
      return reinterpret_cast<const std::int32_t*>(ids)[i];
    case IdsType::kUint16:
      return reinterpret_cast<const std::uint16_t*>(ids)[i];
  }
  return -1;
}

// 0, 1, or what should have been one of them.
MASKD_HOST_DEVICE inline float LoadBoolean(BooleanType type, const std::byte* mask, std::int64_t i) {
  return type == BooleanType::kUint8 ? static_cast<float>(mask[i]) : reinterpret_cast<const float*>(mask)[i];
}

// Of a mask that has been checked.
MASKD_HOST_DEVICE inline bool IsOne(BooleanType type, const std::byte* mask, std::int64_t i) {
  return LoadBoolean(type, mask, i) == 1;
}

}  // namespace maskd

#endif  // MASKD_KERNELS_LOAD_ELEMENT_H_
