#include "kernels/cpu/sort_neighbours.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace maskd {
namespace {

template <typename Entry>
void SortByInsertion(std::span<Entry> entries) {
  for (std::size_t j = 1; j < entries.size(); ++j) {
    const Entry entry = entries[j];
    std::size_t hole = j;
    for (; hole > 0 && entries[hole - 1] > entry; --hole) entries[hole] = entries[hole - 1];
    entries[hole] = entry;
  }
}

#ifdef __x86_64__

// Puts the four pairs of neighbours at `entries` into order; returns the bits
// that changed.
[[gnu::target("avx2")]] inline __m256i OrderPairs(std::uint32_t* entries) {
  auto* const place = reinterpret_cast<__m256i*>(entries);
  const __m256i before = _mm256_loadu_si256(place);
  const __m256i swapped = _mm256_shuffle_epi32(before, 0b10'11'00'01);
  const __m256i after =
      _mm256_blend_epi32(_mm256_min_epu32(before, swapped), _mm256_max_epu32(before, swapped), 0b10101010);
  _mm256_storeu_si256(place, after);
  return _mm256_xor_si256(before, after);
}

// Odd-even transposition: no branch depends on an entry, where insertion has
// one to mispredict for every second of them.
[[gnu::target("avx2")]] void SortByTransposition(std::span<std::uint32_t> entries) {
  __m256i changed;
  do {
    changed = _mm256_setzero_si256();
    for (const std::size_t parity : {0, 1}) {
      for (std::size_t j = parity; j < entries.size(); j += 8) {
        changed = _mm256_or_si256(changed, OrderPairs(entries.data() + j));
      }
    }
  } while (_mm256_testz_si256(changed, changed) == 0);
}

#endif  // __x86_64__

}  // namespace

void SortNeighbours(std::span<std::uint32_t> entries) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) return SortByTransposition(entries);
#endif
  SortByInsertion(entries);
}

void SortNeighbours(std::span<std::uint64_t> entries) { SortByInsertion(entries); }

}  // namespace maskd
