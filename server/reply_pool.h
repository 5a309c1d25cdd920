// Memory for responses: used again and again, its pages faulted in.
#ifndef MASKD_SERVER_REPLY_POOL_H_
#define MASKD_SERVER_REPLY_POOL_H_

#include <grpcpp/support/slice.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "server/block_pool.h"

namespace maskd {

// Thread-safe. Buffers may outlive it: gRPC lets go of a response when it has
// been sent, which can be after the call.
class ReplyPool {
 public:
  // Keeps at most `max_idle_bytes` that no response uses.
  explicit ReplyPool(std::int64_t max_idle_bytes);

  // Memory of one response, with whatever an earlier one left in it: who takes
  // it writes every byte.
  class Buffer {
   public:
    Buffer() = default;
    std::span<std::byte> bytes() const { return bytes_; }

    // Leaves out the first `size` bytes and all behind the `length` after them.
    void Narrow(std::size_t size, std::size_t length) { bytes_ = bytes_.subspan(size, length); }

    // Hands it to gRPC, which gives it back to the pool.
    grpc::Slice ToSlice() &&;

   private:
    friend class ReplyPool;
    std::span<std::byte> bytes_;
    // Whose they are: of the pool, or of gRPC if they are few.
    std::shared_ptr<void> block_;
    grpc::Slice small_;
  };

  // Throws std::bad_alloc.
  Buffer Take(std::size_t size);

  // Where all but small buffers come from.
  const BlockPool& blocks() const { return blocks_; }

 private:
  BlockPool blocks_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_REPLY_POOL_H_
