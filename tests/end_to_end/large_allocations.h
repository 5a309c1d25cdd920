// Counts what this process allocates in large blocks: client, server and gRPC.
#ifndef MASKD_TESTS_END_TO_END_LARGE_ALLOCATIONS_H_
#define MASKD_TESTS_END_TO_END_LARGE_ALLOCATIONS_H_

#include <cstddef>
#include <cstdint>

namespace maskd {

inline constexpr std::size_t kLargeBytes = 256 << 10;

// Blocks of kLargeBytes or more that were taken from malloc and its family, or
// from mmap, since the start; and the size of the last.
std::int64_t LargeAllocations();
std::size_t LastLargeAllocation();

// False where a sanitizer has malloc for itself: nothing is counted then.
bool LargeAllocationsAreCounted();

}  // namespace maskd

#endif  // MASKD_TESTS_END_TO_END_LARGE_ALLOCATIONS_H_
