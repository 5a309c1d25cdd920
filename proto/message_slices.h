// The bytes of a message as gRPC received them: in slices, not copied.
#ifndef MASKD_PROTO_MESSAGE_SLICES_H_
#define MASKD_PROTO_MESSAGE_SLICES_H_

#include <grpcpp/support/byte_buffer.h>

#include <span>
#include <vector>

#include "proto/handover.h"
#include "proto/message_scanner.h"

namespace maskd {

class MessageSlices {
 public:
  // Keeps the slices of `message`, which may be gone after.
  explicit MessageSlices(const grpc::ByteBuffer& message) {
    message.Dump(&slices_);
    fragments_.reserve(slices_.size());
    for (const grpc::Slice& slice : slices_) {
      TakeFromGrpc(slice.begin());
      fragments_.push_back({reinterpret_cast<const std::byte*>(slice.begin()), slice.size()});
    }
  }

  MessageSlices(const MessageSlices&) = delete;
  MessageSlices& operator=(const MessageSlices&) = delete;

  std::span<const Fragment> fragments() const { return fragments_; }

 private:
  std::vector<grpc::Slice> slices_;  // small ones have their bytes in them
  std::vector<Fragment> fragments_;
};

}  // namespace maskd

#endif  // MASKD_PROTO_MESSAGE_SLICES_H_
