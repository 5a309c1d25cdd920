// Requests with tensors: from the caller's memory to the wire.
#ifndef MASKD_CLIENT_ENCODE_TENSORS_H_
#define MASKD_CLIENT_ENCODE_TENSORS_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/borrowed_bytes.h"
#include "client/connection.h"
#include "client/tensor.h"

namespace maskd {

// A request whose fields 1 to 3 are tensors, as protobuf would serialize it: the
// payloads are sent from where they are, between heads and the other fields.
class TensorMessage {
 public:
  // `fields` has the others.
  explicit TensorMessage(const google::protobuf::MessageLite& fields) : fields_(fields.SerializeAsString()) {}

  // Adds `tensor`, called `name`, as field `number`. Its data is borrowed.
  //
  // Returns INVALID_ARGUMENT if the data is not of the size of the form.
  absl::Status Add(absl::string_view name, int number, const TensorView& tensor);

  // Of the message.
  std::int64_t bytes() const { return bytes_ + static_cast<std::int64_t>(fields_.size()); }

  // The message, as often as it has to be sent.
  grpc::ByteBuffer ToByteBuffer();

  // Waits until gRPC has let go of the payloads (attempt.h).
  void TakeBack(Connection& connection);

 private:
  const std::string fields_;
  std::vector<std::string> heads_;      // of each tensor, up to its payload
  std::deque<BorrowedBytes> payloads_;  // of each tensor
  std::int64_t bytes_ = 0;              // of both
};

}  // namespace maskd

#endif  // MASKD_CLIENT_ENCODE_TENSORS_H_
