// What the processor is told to read ahead, because it cannot find out by itself.
// Always inline: GCC takes a function that only does this for one without effects,
// and leaves calls of it out.
#ifndef MASKD_KERNELS_PREFETCH_H_
#define MASKD_KERNELS_PREFETCH_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace maskd {

inline constexpr std::int64_t kCacheLineBytes = 64;

// The row of `bytes` that is copied next: its beginning, because that it goes on
// is found out.
[[gnu::always_inline]] inline void PrefetchRow(const std::byte* row, std::int64_t bytes) {
  constexpr std::int64_t kBeginning = 512;
  for (std::int64_t i = 0; i < std::min(bytes, kBeginning); i += kCacheLineBytes) __builtin_prefetch(row + i);
}

// Bytes that will be read at random before long, into the second cache.
[[gnu::always_inline]] inline void PrefetchAll(const std::byte* from, std::int64_t bytes) {
  const auto into_line = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(from) % kCacheLineBytes);
  for (std::int64_t i = -into_line; i < bytes; i += kCacheLineBytes) __builtin_prefetch(from + i, 0, 2);
}

}  // namespace maskd

#endif  // MASKD_KERNELS_PREFETCH_H_
