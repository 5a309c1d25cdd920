// Memory of the host, used again and again.
#ifndef MASKD_SERVER_BLOCK_POOL_H_
#define MASKD_SERVER_BLOCK_POOL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "kernels/host_memory.h"

namespace maskd {

// Thread-safe. Blocks may outlive it.
class BlockPool {
 public:
  // Makes a block of a size; throws std::bad_alloc.
  using Allocate = std::function<HostBlock(std::size_t size)>;

  // Keeps at most `max_idle_bytes` that nobody uses.
  BlockPool(std::int64_t max_idle_bytes, Allocate allocate);

  // A block of `size` bytes, with whatever the last owner left in it; back in the
  // pool when its owner is gone. Throws std::bad_alloc.
  HostBlock Take(std::size_t size);

  // Has a block of `size` bytes be there from now on, if it may keep as many.
  void Prepare(std::size_t size);

  // How the pool was used since it was made. Wait for nobody.
  std::int64_t takes() const;
  std::int64_t allocations() const;  // takes that no idle block was there for
  std::int64_t idle_bytes() const;

 private:
  struct Blocks;
  const std::shared_ptr<Blocks> blocks_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_BLOCK_POOL_H_
