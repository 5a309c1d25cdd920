#include "server/reply_pool.h"

#include <grpc/slice.h>

#include <utility>

#include "kernels/host_memory.h"
#include "proto/handover.h"
#include "proto/send_offset.h"

namespace maskd {
namespace {

// Smaller ones are malloc's, which keeps them as well.
constexpr std::size_t kSmallestBlock = std::size_t{64} << 10;

// Allocated at the start: for the unary response to a large batch, and for the
// parts of streams.
constexpr std::size_t kFirstBlocks[] = {std::size_t{16} << 20, std::size_t{5} << 18, std::size_t{5} << 18,
                                        std::size_t{5} << 18, std::size_t{5} << 18};

}  // namespace

ReplyPool::ReplyPool(std::int64_t max_idle_bytes) : blocks_(max_idle_bytes, AllocateHostBlock) {
  for (const std::size_t size : kFirstBlocks) blocks_.Prepare(size);
}

ReplyPool::Buffer ReplyPool::Take(std::size_t size) {
  Buffer buffer;
  if (size < kSmallestBlock) {
    grpc_slice slice = grpc_slice_malloc_large(size);  // does not move when its owner does
    buffer.bytes_ = {reinterpret_cast<std::byte*>(GRPC_SLICE_START_PTR(slice)), size};
    buffer.small_ = grpc::Slice(slice, grpc::Slice::STEAL_REF);
    return buffer;
  }
  HostBlock block = blocks_.Take(kSendOffset + size);
  buffer.bytes_ = block.bytes.subspan(kSendOffset);
  buffer.block_ = std::move(block.owner);
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

}  // namespace maskd
