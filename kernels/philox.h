// Philox4x32-10, the counter-based generator behind seeded noise: the same
// function on host and device.
//
// Source: Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as
// 1, 2, 3. SC 2011.
#ifndef MASKD_KERNELS_PHILOX_H_
#define MASKD_KERNELS_PHILOX_H_

#include <cstdint>

#include "kernels/host_device.h"

namespace maskd {

struct PhiloxBlock {
  std::uint32_t word[4];
};

MASKD_HOST_DEVICE inline PhiloxBlock Philox4x32(PhiloxBlock counter, std::uint64_t key) {
  std::uint32_t key_0 = static_cast<std::uint32_t>(key);
  std::uint32_t key_1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product_0 = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t product_1 = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(product_1 >> 32) ^ counter.word[1] ^ key_0,
                static_cast<std::uint32_t>(product_1),
                static_cast<std::uint32_t>(product_0 >> 32) ^ counter.word[3] ^ key_1,
                static_cast<std::uint32_t>(product_0)}};
    key_0 += 0x9E3779B9u;
    key_1 += 0xBB67AE85u;
  }
  return counter;
}

// What, beside the token, decides a sample's seeded noise.
struct SeededStream {
  std::uint64_t seed;
  std::uint64_t sample_id;
  std::uint32_t epoch_and_mask_index;  // (epoch << 8) | mask_index
};

// The 24-bit noise of tokens 4 * block .. 4 * block + 3.
MASKD_HOST_DEVICE inline PhiloxBlock SeededNoise24(const SeededStream& stream, std::uint32_t block) {
  PhiloxBlock bits =
      Philox4x32({{block, static_cast<std::uint32_t>(stream.sample_id),
                   static_cast<std::uint32_t>(stream.sample_id >> 32), stream.epoch_and_mask_index}},
                 stream.seed);
  for (std::uint32_t& word : bits.word) word >>= 8;
  return bits;
}

}  // namespace maskd

#endif  // MASKD_KERNELS_PHILOX_H_
