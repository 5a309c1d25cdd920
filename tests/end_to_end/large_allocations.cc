#include "tests/end_to_end/large_allocations.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace maskd {
namespace {

std::atomic<std::int64_t> large_allocations = 0;
std::atomic<std::size_t> last_large_allocation = 0;

}  // namespace

std::int64_t LargeAllocations() { return large_allocations; }
std::size_t LastLargeAllocation() { return last_large_allocation; }

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

bool LargeAllocationsAreCounted() { return false; }

}  // namespace maskd

#else

bool LargeAllocationsAreCounted() { return true; }

namespace {

void Count(std::size_t size) {
  if (size < kLargeBytes) return;
  ++large_allocations;
  last_large_allocation = size;
}

}  // namespace
}  // namespace maskd

// This binary's own malloc family, in front of glibc's, and its mmap. What glibc
// maps for malloc does not come by here a second time.
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  maskd::Count(size);
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  maskd::Count(count * size);
  return __libc_calloc(count, size);
}

void* realloc(void* block, std::size_t size) {
  maskd::Count(size);
  return __libc_realloc(block, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  maskd::Count(size);
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  maskd::Count(size);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  maskd::Count(size);
  *block = __libc_memalign(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}

void* mmap(void* address, std::size_t size, int protection, int flags, int file, off_t offset) {
  maskd::Count(size);
  const long mapped = syscall(SYS_mmap, address, size, protection, flags, file, offset);
  return reinterpret_cast<void*>(mapped);  // -1 is MAP_FAILED
}

}  // extern "C"

#endif
