// The narrow floating-point types as bits, to and from float32.
//
// float16 is IEEE 754 binary16, bfloat16 the upper half of a float32. To them is
// rounded to nearest, ties to even: subnormals and infinities as IEEE 754 has
// them. A NaN stays one, with its sign and the payload that has room.
#ifndef MASKD_KERNELS_FLOAT_TYPES_H_
#define MASKD_KERNELS_FLOAT_TYPES_H_

#include <cstddef>
#include <cstdint>

#include "kernels/float_bits.h"
#include "kernels/host_device.h"
#include "kernels/loss_plans.h"

namespace maskd {

MASKD_HOST_DEVICE inline float FloatOfHalf(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1fu;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return FloatOfBits(sign | BitsOfFloat(magnitude));
  }
  const std::uint32_t wide_exponent = exponent == 0x1f ? 0xff : exponent + (127 - 15);
  return FloatOfBits(sign | wide_exponent << 23 | fraction << 13);
}

MASKD_HOST_DEVICE inline std::uint16_t HalfOfFloat(float value) {
  const std::uint32_t bits = BitsOfFloat(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  std::uint32_t half = 0;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u | ((magnitude >> 13) & 0x1ffu);
  } else if (magnitude >= 0x477ff000u) {
    half = 0x7c00u;  // 65520, halfway to what would be 2^16, and beyond
  } else if (magnitude >= 0x38800000u) {
    // Normal. A carry out of the fraction is one more in the exponent, as it should be.
    const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
    half = (rounded - ((127u - 15u) << 23)) >> 13;
  } else if (magnitude > 0x33000000u) {
    // Subnormal: a multiple of 2^-24. Up to 2^-25 all is zero.
    const std::uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
    const std::uint32_t shift = 126u - (magnitude >> 23);
    const std::uint32_t rest = significand & ((1u << shift) - 1u);
    const std::uint32_t halfway = 1u << (shift - 1u);
    half = significand >> shift;
    if (rest > halfway || (rest == halfway && (half & 1u) != 0)) ++half;
  }
  return static_cast<std::uint16_t>(sign | half);
}

MASKD_HOST_DEVICE inline float FloatOfBfloat16(std::uint16_t bits) {
  return FloatOfBits(static_cast<std::uint32_t>(bits) << 16);
}

MASKD_HOST_DEVICE inline std::uint16_t Bfloat16OfFloat(float value) {
  const std::uint32_t bits = BitsOfFloat(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// Element `index` of an array of `type` at `base`, exactly.
MASKD_HOST_DEVICE inline double LoadFloat(FloatType type, const std::byte* base, std::int64_t index) {
  switch (type) {
    case FloatType::kFloat32:
      return static_cast<double>(reinterpret_cast<const float*>(base)[index]);
    case FloatType::kFloat16:
      return static_cast<double>(FloatOfHalf(reinterpret_cast<const std::uint16_t*>(base)[index]));
    case FloatType::kBfloat16:
      return static_cast<double>(FloatOfBfloat16(reinterpret_cast<const std::uint16_t*>(base)[index]));
    case FloatType::kFloat64:
      return reinterpret_cast<const double*>(base)[index];
  }
  return 0;
}

}  // namespace maskd

#endif  // MASKD_KERNELS_FLOAT_TYPES_H_
