// Memory of the host that is kept, because a page fault costs more than the
// copy of the page.
#ifndef MASKD_KERNELS_HOST_MEMORY_H_
#define MASKD_KERNELS_HOST_MEMORY_H_

#include <cstddef>
#include <memory>
#include <span>

namespace maskd {

// Tells malloc to keep what is freed for the next call, in one heap for all
// threads: messages of tens of megabytes otherwise go back to the kernel after
// each call and fault in again with the next. To be called first in main; the
// policy of a process is not a library's to change.
void KeepFreedMemory();

// Has the heap of KeepFreedMemory grow by about `bytes` now, and its pages
// faulted in, rather than in the first calls.
void GrowHeap(std::size_t bytes);

// Memory, gone with its last owner.
struct HostBlock {
  std::span<std::byte> bytes = {};
  std::shared_ptr<void> owner = {};
};

// Page-aligned memory with its pages faulted in. Throws std::bad_alloc.
HostBlock AllocateHostBlock(std::size_t bytes);

}  // namespace maskd

#endif  // MASKD_KERNELS_HOST_MEMORY_H_
