// A message without payload, from the bytes that gRPC received.
#ifndef MASKD_SERVER_PARSE_MESSAGE_H_
#define MASKD_SERVER_PARSE_MESSAGE_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace maskd {

// Returns INVALID_ARGUMENT if `bytes` are no serialized message of the type.
inline absl::Status ParseMessage(grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message) {
  grpc::ProtoBufferReader reader(&bytes);
  if (reader.status().ok() && message.ParseFromZeroCopyStream(&reader)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the request is no serialized ", message.GetTypeName()));
}

}  // namespace maskd

#endif  // MASKD_SERVER_PARSE_MESSAGE_H_
