// Requests with tensors: from the caller's memory to the wire.
#ifndef MASKD_CLIENT_ENCODE_TENSORS_H_
#define MASKD_CLIENT_ENCODE_TENSORS_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>

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

  // The same in pieces: without the payloads, and of the payloads, one behind the
  // other, the `size` bytes from byte `offset` on.
  std::string WithoutPayloads() const;
  std::int64_t payload_bytes() const;
  grpc::ByteBuffer PayloadMessage(std::int64_t offset, std::int64_t size);

  // How many of them to send from `offset` on, at most `size` (borrowed_bytes.h).
  std::int64_t ChunkBytes(std::int64_t offset, std::int64_t size) const;

  // Waits until gRPC has let go of the payloads (attempt.h).
  void TakeBack(Connection& connection);

 private:
  const std::string fields_;
  struct Field {
    Field(int of_number, std::string its_form, std::span<const std::byte> data)
        : number(of_number), form(std::move(its_form)), payload(data) {}

    const int number;
    const std::string form;  // serialized, without the payload
    BorrowedBytes payload;
  };
  // Tag and length of the field, its form, tag and length of its payload.
  static std::string HeadOf(const Field& field);

  std::deque<Field> tensors_;
  std::int64_t bytes_ = 0;  // of the tensors
};

}  // namespace maskd

#endif  // MASKD_CLIENT_ENCODE_TENSORS_H_
