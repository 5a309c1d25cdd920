#include "kernels/cpu/seeded_noise.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace maskd {
namespace {

// From `first_block` on.
void DrawBlocks(const SeededStream& stream, std::size_t first_block, std::span<std::uint32_t> keys) {
  for (std::size_t block = first_block; 4 * block < keys.size(); ++block) {
    const PhiloxBlock bits = SeededNoise24(stream, static_cast<std::uint32_t>(block));
    const std::size_t count = std::min<std::size_t>(4, keys.size() - 4 * block);
    std::memcpy(&keys[4 * block], bits.word, count * sizeof(bits.word[0]));
  }
}

#ifdef __x86_64__

// Four blocks, one a 64-bit lane: the multiplication reads the low half of a
// lane and fills all of it, so high halves need no clearing until the end.
struct FourBlocks {
  __m256i word[4];
};

[[gnu::target("avx2")]] inline FourBlocks Philox4x32(FourBlocks counter, std::uint64_t key) {
  auto key_0 = static_cast<std::uint32_t>(key);
  auto key_1 = static_cast<std::uint32_t>(key >> 32);
  const __m256i multiplier_0 = _mm256_set1_epi64x(0xD2511F53);
  const __m256i multiplier_1 = _mm256_set1_epi64x(0xCD9E8D57);
  for (int round = 0; round < 10; ++round) {
    const __m256i product_0 = _mm256_mul_epu32(multiplier_0, counter.word[0]);
    const __m256i product_1 = _mm256_mul_epu32(multiplier_1, counter.word[2]);
    counter.word[0] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(product_1, 32), counter.word[1]),
                                       _mm256_set1_epi64x(key_0));
    counter.word[2] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(product_0, 32), counter.word[3]),
                                       _mm256_set1_epi64x(key_1));
    counter.word[1] = product_1;
    counter.word[3] = product_0;
    key_0 += 0x9E3779B9u;
    key_1 += 0xBB67AE85u;
  }
  return counter;
}

// Draws whole fours of blocks; returns the number of blocks drawn.
[[gnu::target("avx2")]] std::size_t DrawFoursOfBlocks(const SeededStream& stream,
                                                      std::span<std::uint32_t> keys) {
  const std::size_t blocks = keys.size() / 16 * 4;
  for (std::size_t block = 0; block < blocks; block += 4) {
    const auto counter = static_cast<long long>(block);
    const FourBlocks bits =
        Philox4x32({{_mm256_setr_epi64x(counter, counter + 1, counter + 2, counter + 3),
                     _mm256_set1_epi64x(static_cast<std::uint32_t>(stream.sample_id)),
                     _mm256_set1_epi64x(static_cast<std::uint32_t>(stream.sample_id >> 32)),
                     _mm256_set1_epi64x(stream.epoch_and_mask_index)}},
                   stream.seed);
    // Two words to a lane, then the lanes of a block beside one another.
    const __m256i low = _mm256_set1_epi64x(0xFFFFFFFF);
    const __m256i words_01 =
        _mm256_or_si256(_mm256_and_si256(bits.word[0], low), _mm256_slli_epi64(bits.word[1], 32));
    const __m256i words_23 =
        _mm256_or_si256(_mm256_and_si256(bits.word[2], low), _mm256_slli_epi64(bits.word[3], 32));
    const __m256i blocks_02 = _mm256_srli_epi32(_mm256_unpacklo_epi64(words_01, words_23), 8);
    const __m256i blocks_13 = _mm256_srli_epi32(_mm256_unpackhi_epi64(words_01, words_23), 8);
    auto* const out = reinterpret_cast<__m256i*>(&keys[4 * block]);
    _mm256_storeu_si256(out, _mm256_permute2x128_si256(blocks_02, blocks_13, 0x20));
    _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(blocks_02, blocks_13, 0x31));
  }
  return blocks;
}

#endif  // __x86_64__

}  // namespace

void DrawSeededNoise(const SeededStream& stream, std::span<std::uint32_t> keys) {
  std::size_t drawn = 0;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) drawn = DrawFoursOfBlocks(stream, keys);
#endif
  DrawBlocks(stream, drawn, keys);
}

}  // namespace maskd
