#include "server/reply_pool.h"

#include <grpc/slice.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "kernels/host_memory.h"
#include "proto/handover.h"

namespace maskd {
namespace {

// Smaller ones are malloc's, which keeps them as well.
constexpr std::size_t kSmallestBlock = std::size_t{64} << 10;

// Allocated at the start: for the unary response to a large batch, and for the
// parts of streams.
constexpr std::size_t kFirstBlocks[] = {std::size_t{16} << 20, std::size_t{5} << 18, std::size_t{5} << 18,
                                        std::size_t{5} << 18, std::size_t{5} << 18};

// Sizes of blocks are multiples of an eighth of the power of two below, so that
// responses of about the same size share blocks and little is left over.
std::size_t BlockSize(std::size_t size) {
  std::size_t power = kSmallestBlock;
  while (power * 2 <= size) power *= 2;
  const std::size_t step = power / 8;
  return (size + step - 1) / step * step;
}

}  // namespace

struct ReplyPool::Blocks {
  explicit Blocks(std::int64_t max_idle) : max_idle_bytes(max_idle) {}
  ~Blocks() {
    for (const auto& [size, block] : idle) FreePages(block);
  }

  std::span<std::byte> Take(std::size_t size) {
    {
      const std::lock_guard lock(mutex);
      // Of about this size, so that small responses do not use up large blocks.
      if (const auto found = idle.lower_bound(size); found != idle.end() && found->first <= 2 * size) {
        const std::span<std::byte> block = found->second;
        idle.erase(found);
        idle_bytes -= static_cast<std::int64_t>(block.size());
        return block;
      }
      ++allocations;
    }
    return AllocatePages(size);
  }

  void GiveBack(std::span<std::byte> block) {
    std::multimap<std::size_t, std::span<std::byte>> surplus;
    {
      const std::lock_guard lock(mutex);
      idle.emplace(block.size(), block);
      idle_bytes += static_cast<std::int64_t>(block.size());
      // The largest go first: they are the fewest to allocate again.
      while (idle_bytes > max_idle_bytes) {
        const auto largest = std::prev(idle.end());
        idle_bytes -= static_cast<std::int64_t>(largest->first);
        surplus.insert(idle.extract(largest));
      }
    }
    for (const auto& [size, pages] : surplus) FreePages(pages);
  }

  const std::int64_t max_idle_bytes;
  std::mutex mutex;
  std::multimap<std::size_t, std::span<std::byte>> idle;  // guarded by mutex; by size
  std::int64_t idle_bytes = 0;                            // guarded by mutex
  std::int64_t allocations = 0;                           // guarded by mutex
};

ReplyPool::ReplyPool(std::int64_t max_idle_bytes) : blocks_(std::make_shared<Blocks>(max_idle_bytes)) {
  for (const std::size_t size : kFirstBlocks) {
    if (blocks_->idle_bytes + static_cast<std::int64_t>(size) <= max_idle_bytes)
      blocks_->GiveBack(AllocatePages(size));
  }
}

ReplyPool::Buffer ReplyPool::Take(std::size_t size) {
  Buffer buffer;
  if (size < kSmallestBlock) {
    grpc_slice slice = grpc_slice_malloc_large(size);  // does not move when its owner does
    buffer.bytes_ = {reinterpret_cast<std::byte*>(GRPC_SLICE_START_PTR(slice)), size};
    buffer.small_ = grpc::Slice(slice, grpc::Slice::STEAL_REF);
    return buffer;
  }
  const std::span<std::byte> block = blocks_->Take(BlockSize(size));
  buffer.block_ =
      std::shared_ptr<void>(block.data(), [blocks = blocks_, size_of_block = block.size()](void* data) {
        blocks->GiveBack({static_cast<std::byte*>(data), size_of_block});
      });
  buffer.bytes_ = block.first(size);
  return buffer;
}

grpc::Slice ReplyPool::Buffer::ToSlice() && {
  if (block_ == nullptr) {
    const auto first = reinterpret_cast<const std::uint8_t*>(bytes_.data()) - small_.begin();
    return small_.sub(static_cast<std::size_t>(first), static_cast<std::size_t>(first) + bytes_.size());
  }
  auto* const held = new std::shared_ptr<void>(std::move(block_));
  HandToGrpc(held);
  HandToGrpc(bytes_.data());
  const auto let_go = [](void* holder) {
    TakeFromGrpc(holder);
    delete static_cast<std::shared_ptr<void>*>(holder);
  };
  return {bytes_.data(), bytes_.size(), let_go, held};
}

std::int64_t ReplyPool::allocations() const {
  const std::lock_guard lock(blocks_->mutex);
  return blocks_->allocations;
}

}  // namespace maskd
