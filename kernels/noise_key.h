// Noise as sort keys: unsigned integers that order as the noise does. The same
// functions on host and device.
//
// Two widths. Drawn noise (seeded, torch on the CPU) is a 24-bit integer times
// 2^-24, and the integer is its key. Provided noise is any float32 and has a
// 32-bit key; so has what torch draws on CUDA (kernels/torch_cuda_noise.h).
#ifndef MASKD_KERNELS_NOISE_KEY_H_
#define MASKD_KERNELS_NOISE_KEY_H_

#include <cstdint>

#include "kernels/float_bits.h"
#include "kernels/host_device.h"
#include "kernels/masking_spec.h"

namespace maskd {

// Width of the keys of a source.
MASKD_HOST_DEVICE constexpr int KeyBits(NoiseSource source) {
  return source == NoiseSource::kSeeded || source == NoiseSource::kTorchCpu ? 24 : 32;
}

// The noise in [0, 1) of a 24-bit draw; exact.
MASKD_HOST_DEVICE inline float NoiseOfDraw(std::uint32_t draw) { return static_cast<float>(draw) * 0x1p-24f; }

// Key of the float32 with these bits: ascending, -0 as +0, every NaN last.
MASKD_HOST_DEVICE inline std::uint32_t KeyOfNoiseBits(std::uint32_t bits) {
  constexpr std::uint32_t kSign = 0x80000000u;
  constexpr std::uint32_t kInfinity = 0x7f800000u;
  if ((bits & ~kSign) > kInfinity) return 0xffffffffu;
  if (bits == kSign) bits = 0;
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

// The noise that is sorted, and returned on request, in place of provided
// noise: noise + scale * drawn noise if `scale` is not 0 (float32, no fused
// multiply-add, NaN canonical because devices differ), then its sign changed
// if `descending`. Bits in, bits out.
MASKD_HOST_DEVICE inline std::uint32_t EffectiveNoiseBits(std::uint32_t bits, float scale, std::uint32_t draw,
                                                          bool descending) {
  if (scale != 0.0f) {
    const float noise = FloatOfBits(bits);
#ifdef __CUDA_ARCH__
    const float sum = __fadd_rn(noise, __fmul_rn(scale, NoiseOfDraw(draw)));
#else
    const float product = scale * NoiseOfDraw(draw);  // kernels are built with -ffp-contract=off
    const float sum = noise + product;
#endif
    bits = sum != sum ? 0x7fc00000u : BitsOfFloat(sum);
  }
  return descending ? bits ^ 0x80000000u : bits;
}

}  // namespace maskd

#endif  // MASKD_KERNELS_NOISE_KEY_H_
