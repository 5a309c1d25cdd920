// What stands before the bytes of a field of a serialized message.
#ifndef MASKD_PROTO_FIELD_HEAD_H_
#define MASKD_PROTO_FIELD_HEAD_H_

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "proto/message_scanner.h"

namespace maskd {

// Tag and length of field `number`, a message or bytes of this size.
inline std::string EncodeFieldHead(int number, std::int64_t size) {
  using ::google::protobuf::internal::WireFormatLite;
  using ::google::protobuf::io::CodedOutputStream;
  std::uint8_t head[15];
  std::uint8_t* end = CodedOutputStream::WriteVarint32ToArray(
      WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), head);
  end = CodedOutputStream::WriteVarint64ToArray(static_cast<std::uint64_t>(size), end);
  return {reinterpret_cast<const char*>(head), static_cast<std::size_t>(end - head)};
}

// The same of a payload (message_scanner.h).
inline std::string EncodePayloadHead(std::int64_t size) { return EncodeFieldHead(kPayloadField, size); }

}  // namespace maskd

#endif  // MASKD_PROTO_FIELD_HEAD_H_
