// Reads a serialized message without copying its payload.
//
// Requests and responses of maskd carry their tokens in bytes field 15. What a
// peer sends is any serialization that protobuf accepts: fields in any order,
// repeated, unknown, cut anywhere. A scan finds the payload and copies the rest,
// which protobuf then parses as the message, so every such serialization means
// what it means to protobuf.
#ifndef MASKD_PROTO_MESSAGE_SCANNER_H_
#define MASKD_PROTO_MESSAGE_SCANNER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace maskd {

using Fragment = std::span<const std::byte>;

inline constexpr int kPayloadField = 15;

// A payload in order: of several the last, as for protobuf. Refers to the
// fragments that were scanned.
struct Payload {
  std::vector<Fragment> fragments;
  std::int64_t bytes = 0;
};

struct ScannedMessage {
  // The serialized message without its payload.
  std::string fields;
  Payload payload;
};

// Scans the message that is cut into `fragments`, of less than 2^31 bytes.
// Nothing if it is no serialized message at all; `fields` may still not parse.
std::optional<ScannedMessage> ScanMessage(std::span<const Fragment> fragments);

// A message whose fields 1 to 3 are of type maskd.v1.Tensor, each with a payload.
struct ScannedTensors {
  // The serialized message, its tensors without their payloads.
  std::string fields;
  // Of the tensors of fields 1 to 3.
  std::array<Payload, 3> payloads;
};

// The same for such a message.
std::optional<ScannedTensors> ScanTensors(std::span<const Fragment> fragments);

}  // namespace maskd

#endif  // MASKD_PROTO_MESSAGE_SCANNER_H_
