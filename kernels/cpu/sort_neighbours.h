// The end of a bucket sort: entries that are out of order by a few places.
#ifndef MASKD_KERNELS_CPU_SORT_NEIGHBOURS_H_
#define MASKD_KERNELS_CPU_SORT_NEIGHBOURS_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace maskd {

// Entries behind the last one that SortNeighbours may read and write, and
// leaves as they are.
inline constexpr std::size_t kNeighbourPadding = 16;

// Sorts `entries` ascending; the kNeighbourPadding entries behind them must all
// be 0xFFFFFFFF. Time grows with the distance of an entry from its place: right
// for what leaves buckets of a few entries, wrong for anything else.
void SortNeighbours(std::span<std::uint32_t> entries);

// The same for wider entries, without padding.
void SortNeighbours(std::span<std::uint64_t> entries);

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_SORT_NEIGHBOURS_H_
