// Seeded noise of one sequence, with the vector instructions that this machine
// has.
#ifndef MASKD_KERNELS_CPU_SEEDED_NOISE_H_
#define MASKD_KERNELS_CPU_SEEDED_NOISE_H_

#include <cstdint>
#include <span>

#include "kernels/philox.h"

namespace maskd {

// keys[l] becomes the 24-bit noise of token l: SeededNoise24 of every block.
void DrawSeededNoise(const SeededStream& stream, std::span<std::uint32_t> keys);

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_SEEDED_NOISE_H_
