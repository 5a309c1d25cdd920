#include "kernels/host_memory.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdlib>
#include <limits>
#include <new>
#include <vector>

namespace maskd {

void KeepFreedMemory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 16 << 20);
  // A heap a thread would keep the peak of each.
  mallopt(M_ARENA_MAX, 1);
}

void GrowHeap(std::size_t bytes) {
  // In blocks, so that what is freed serves blocks of any size.
  constexpr std::size_t kBlock = std::size_t{1} << 20;
  constexpr std::size_t kPage = 4096;
  std::vector<void*> blocks;
  for (std::size_t grown = 0; grown < bytes; grown += kBlock) {
    auto* const block = static_cast<volatile char*>(std::malloc(kBlock));
    if (block == nullptr) break;
    for (std::size_t i = 0; i < kBlock; i += kPage) block[i] = 0;
    blocks.push_back(const_cast<char*>(block));
  }
  for (void* block : blocks) std::free(block);
}

HostBlock AllocateHostBlock(std::size_t bytes) {
  void* const pages =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  return {.bytes = {static_cast<std::byte*>(pages), bytes},
          .owner = std::shared_ptr<void>(pages, [bytes](void* first) { munmap(first, bytes); })};
}

}  // namespace maskd
