// A message without payload, from the bytes that gRPC received.
#ifndef MASKD_SERVER_PARSE_MESSAGE_H_
#define MASKD_SERVER_PARSE_MESSAGE_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <cstddef>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace maskd {

// Returns INVALID_ARGUMENT if `bytes` are no serialized message of the type.
inline absl::Status ParseMessage(grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message) {
  constexpr std::size_t kMostBytes = std::numeric_limits<int>::max();
  bool parsed = false;
  // Most come in one piece, which protobuf parses without a stream.
  if (grpc::Slice slice; bytes.TrySingleSlice(&slice).ok() && slice.size() <= kMostBytes) {
    parsed = message.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
  } else {
    grpc::ProtoBufferReader reader(&bytes);
    parsed = reader.status().ok() && message.ParseFromZeroCopyStream(&reader);
  }
  if (parsed) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the request is no serialized ", message.GetTypeName()));
}

}  // namespace maskd

#endif  // MASKD_SERVER_PARSE_MESSAGE_H_
