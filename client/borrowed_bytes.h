// Memory of the caller's that gRPC sends from.
#ifndef MASKD_CLIENT_BORROWED_BYTES_H_
#define MASKD_CLIENT_BORROWED_BYTES_H_

#include <grpcpp/support/slice.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

#include "proto/handover.h"
#include "proto/send_offset.h"

namespace maskd {

// Thread-safe. gRPC can hold slices of it after the call has ended, so it must
// outlive them: see Wait.
class BorrowedBytes {
 public:
  explicit BorrowedBytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  // Waits for the slices, without a bound.
  ~BorrowedBytes() { Wait(std::chrono::steady_clock::time_point::max()); }

  BorrowedBytes(const BorrowedBytes&) = delete;
  BorrowedBytes& operator=(const BorrowedBytes&) = delete;

  std::size_t size() const { return bytes_.size(); }

  // How many bytes to send from `offset` on, at most `size`, for those behind them, if
  // there are any, to begin where they are sent fastest.
  std::int64_t ChunkBytes(std::int64_t offset, std::int64_t size) const {
    const auto left = static_cast<std::int64_t>(bytes_.size()) - offset;
    if (left <= size) return left;
    const std::int64_t past = PastSendOffset(bytes_.data() + offset + size);
    return past < size ? size - past : size;
  }

  // Bytes [offset, offset + size), not copied.
  grpc::Slice ToSlice(std::size_t offset, std::size_t size) {
    {
      const std::lock_guard lock(mutex_);
      ++slices_;
    }
    // gRPC only reads it.
    auto* const data = const_cast<std::byte*>(bytes_.data() + offset);
    HandToGrpc(data);
    return {data, size, [](void* self) { static_cast<BorrowedBytes*>(self)->Release(); }, this};
  }

  // Waits until gRPC has let go of all slices; false if that takes until
  // `deadline`.
  bool Wait(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    const auto none = [this] { return slices_ == 0; };
    if (deadline != std::chrono::steady_clock::time_point::max())
      return released_.wait_until(lock, deadline, none);
    released_.wait(lock, none);
    return true;
  }

 private:
  void Release() {
    const std::lock_guard lock(mutex_);
    if (--slices_ == 0) released_.notify_all();
  }

  const std::span<const std::byte> bytes_;
  std::mutex mutex_;
  std::condition_variable released_;
  std::int64_t slices_ = 0;  // guarded by mutex_
};

}  // namespace maskd

#endif  // MASKD_CLIENT_BORROWED_BYTES_H_
