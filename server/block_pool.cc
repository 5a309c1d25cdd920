#include "server/block_pool.h"

#include <atomic>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

namespace maskd {
namespace {

constexpr std::size_t kSmallestBlock = std::size_t{64} << 10;

// Sizes of blocks are multiples of an eighth of the power of two below, so that
// calls of about the same size share blocks and little is left over.
std::size_t BlockSize(std::size_t size) {
  std::size_t power = kSmallestBlock;
  while (power * 2 <= size) power *= 2;
  const std::size_t step = power / 8;
  return (size + step - 1) / step * step;
}

}  // namespace

struct BlockPool::Blocks {
  Blocks(std::int64_t max_idle, Allocate make) : max_idle_bytes(max_idle), allocate(std::move(make)) {}

  HostBlock Take(std::size_t size) {
    {
      const std::lock_guard lock(mutex);
      ++takes;
      // Of about this size, so that small calls do not use up large blocks.
      if (const auto found = idle.lower_bound(size); found != idle.end() && found->first <= 2 * size) {
        HostBlock block = std::move(found->second);
        idle.erase(found);
        idle_bytes -= static_cast<std::int64_t>(block.bytes.size());
        return block;
      }
      ++allocations;
    }
    return allocate(size);
  }

  void GiveBack(HostBlock block) {
    std::multimap<std::size_t, HostBlock> surplus;
    {
      const std::lock_guard lock(mutex);
      idle_bytes += static_cast<std::int64_t>(block.bytes.size());
      idle.emplace(block.bytes.size(), std::move(block));
      // The largest go first: they are the fewest to allocate again.
      while (idle_bytes > max_idle_bytes) {
        const auto largest = std::prev(idle.end());
        idle_bytes -= static_cast<std::int64_t>(largest->first);
        surplus.insert(idle.extract(largest));
      }
    }
  }

  const std::int64_t max_idle_bytes;
  const Allocate allocate;
  std::mutex mutex;
  std::multimap<std::size_t, HostBlock> idle;  // guarded by mutex; by size
  std::atomic<std::int64_t> idle_bytes = 0;    // written under mutex, as the next two
  std::atomic<std::int64_t> takes = 0;
  std::atomic<std::int64_t> allocations = 0;
};

BlockPool::BlockPool(std::int64_t max_idle_bytes, Allocate allocate)
    : blocks_(std::make_shared<Blocks>(max_idle_bytes, std::move(allocate))) {}

HostBlock BlockPool::Take(std::size_t size) {
  HostBlock block = blocks_->Take(BlockSize(size));
  const std::span<std::byte> bytes = block.bytes.first(size);
  void* const first = block.bytes.data();
  return {.bytes = bytes,
          .owner = std::shared_ptr<void>(first, [blocks = blocks_, block = std::move(block)](void*) mutable {
            blocks->GiveBack(std::move(block));
          })};
}

void BlockPool::Prepare(std::size_t size) {
  {
    const std::lock_guard lock(blocks_->mutex);
    if (blocks_->idle_bytes + static_cast<std::int64_t>(size) > blocks_->max_idle_bytes) return;
  }
  blocks_->GiveBack(blocks_->allocate(size));
}

std::int64_t BlockPool::takes() const { return blocks_->takes; }
std::int64_t BlockPool::allocations() const { return blocks_->allocations; }
std::int64_t BlockPool::idle_bytes() const { return blocks_->idle_bytes; }

}  // namespace maskd
