// Fields of a serialized message, or what stands before their bytes.
#ifndef MASKD_PROTO_FIELD_HEAD_H_
#define MASKD_PROTO_FIELD_HEAD_H_

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "proto/message_scanner.h"

namespace maskd {

inline std::string EncodeVarint(std::uint64_t value) {
  std::uint8_t bytes[10];
  const std::uint8_t* const end =
      ::google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(value, bytes);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(end - bytes)};
}

// An integer or enumerator, field `number`. Short enough to need no memory, as is the
// next.
inline std::string EncodeInteger(int number, std::int64_t value) {
  using ::google::protobuf::internal::WireFormatLite;
  return EncodeVarint(WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_VARINT)) +
         EncodeVarint(static_cast<std::uint64_t>(value));
}

// Tag and length of field `number`, a message or bytes of this size.
inline std::string EncodeFieldHead(int number, std::int64_t size) {
  using ::google::protobuf::internal::WireFormatLite;
  return EncodeVarint(WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED)) +
         EncodeVarint(static_cast<std::uint64_t>(size));
}

// The same of a payload (message_scanner.h).
inline std::string EncodePayloadHead(std::int64_t size) { return EncodeFieldHead(kPayloadField, size); }

}  // namespace maskd

#endif  // MASKD_PROTO_FIELD_HEAD_H_
