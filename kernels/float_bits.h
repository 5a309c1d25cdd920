// Floating-point numbers as their bits, on host and device.
#ifndef MASKD_KERNELS_FLOAT_BITS_H_
#define MASKD_KERNELS_FLOAT_BITS_H_

#include <cstdint>
#include <cstring>

#include "kernels/host_device.h"

namespace maskd {

MASKD_HOST_DEVICE inline std::uint32_t BitsOfFloat(float value) {
  std::uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

MASKD_HOST_DEVICE inline float FloatOfBits(std::uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

MASKD_HOST_DEVICE inline std::uint64_t BitsOfDouble(double value) {
  std::uint64_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

MASKD_HOST_DEVICE inline double DoubleOfBits(std::uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

// What arithmetic makes of a NaN differs between devices; these are the ones that
// results have.
MASKD_HOST_DEVICE inline float CanonicalNan(float value) {
  return value != value ? FloatOfBits(0x7fc00000u) : value;
}
MASKD_HOST_DEVICE inline double CanonicalNan(double value) {
  return value != value ? DoubleOfBits(0x7ff8000000000000u) : value;
}

}  // namespace maskd

#endif  // MASKD_KERNELS_FLOAT_BITS_H_
