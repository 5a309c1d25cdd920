// ScanMessage and ScanTensors against protobuf: for any bytes, cut anywhere, both
// agree whether they are a message and what is in it.
//
// An input is a byte that chooses the message, a byte that says how the rest is
// cut, and the serialized message.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "maskd/v1/masking_service.pb.h"
#include "maskd/v1/tensor_service.pb.h"
#include "proto/message_scanner.h"

namespace maskd {
namespace {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "message_scanner_fuzz: %s\n", what);
  std::abort();
}

// Lengths are drawn from the cut, so that every position comes to be one; 0
// leaves one fragment.
std::vector<Fragment> Cut(std::span<const std::byte> bytes, std::uint32_t cut) {
  std::vector<Fragment> fragments;
  std::uint32_t state = cut;
  while (!bytes.empty()) {
    state = state * 1664525u + 1013904223u;
    const std::size_t size = cut == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), (state >> 16) % 9);
    fragments.push_back(bytes.first(size));
    bytes = bytes.subspan(size);
  }
  return fragments;
}

template <typename Message>
void CompareWithProtobuf(std::span<const std::byte> bytes, std::uint32_t cut,
                         std::string* (Message::*payload)()) {
  Message whole;
  const bool whole_parses = whole.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const std::vector<Fragment> fragments = Cut(bytes, cut);
  const std::optional<ScannedMessage> scanned = ScanMessage(fragments);
  Message fields;
  const bool scan_parses = scanned.has_value() && fields.ParseFromString(scanned->fields);
  Require(whole_parses == scan_parses, whole_parses ? "a message is refused" : "no message is taken for one");
  if (!whole_parses) return;

  std::string concatenated;
  for (const Fragment fragment : scanned->payload.fragments)
    concatenated.append(reinterpret_cast<const char*>(fragment.data()), fragment.size());
  Require(scanned->payload.bytes == static_cast<std::int64_t>(concatenated.size()),
          "the payload has another size");
  Require(concatenated == *(whole.*payload)(), "the payload is another");
  Require((fields.*payload)()->empty(), "the payload is left among the fields");
  (whole.*payload)()->clear();
  Require(whole.SerializeAsString() == fields.SerializeAsString(), "the fields are others");
}

std::string Concatenated(const Payload& payload) {
  std::string bytes;
  for (const Fragment fragment : payload.fragments)
    bytes.append(reinterpret_cast<const char*>(fragment.data()), fragment.size());
  Require(payload.bytes == static_cast<std::int64_t>(bytes.size()), "the payload has another size");
  return bytes;
}

// The data of a tensor of `whole` is the payload, and is not left in `fields`.
void CompareTensor(v1::Tensor* whole, v1::Tensor* fields, const Payload& payload) {
  Require(whole->data() == Concatenated(payload), "the payload of a tensor is another");
  Require(fields->data().empty(), "the payload of a tensor is left among the fields");
  whole->clear_data();
}

void CompareTensorsWithProtobuf(std::span<const std::byte> bytes, std::uint32_t cut) {
  v1::ScatterRequest whole;
  const bool whole_parses = whole.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const std::vector<Fragment> fragments = Cut(bytes, cut);
  const std::optional<ScannedTensors> scanned = ScanTensors(fragments);
  v1::ScatterRequest fields;
  const bool scan_parses = scanned.has_value() && fields.ParseFromString(scanned->fields);
  Require(whole_parses == scan_parses, whole_parses ? "a message is refused" : "no message is taken for one");
  if (!whole_parses) return;
  // What has no field of its own is unknown to both; a field 15 is not kept.
  whole.DiscardUnknownFields();
  fields.DiscardUnknownFields();
  Require(whole.has_input() == fields.has_input() && whole.has_index() == fields.has_index() &&
              whole.has_src() == fields.has_src(),
          "the tensors are others");
  if (whole.has_input()) CompareTensor(whole.mutable_input(), fields.mutable_input(), scanned->payloads[0]);
  if (whole.has_index()) CompareTensor(whole.mutable_index(), fields.mutable_index(), scanned->payloads[1]);
  if (whole.has_src()) CompareTensor(whole.mutable_src(), fields.mutable_src(), scanned->payloads[2]);
  Require(whole.SerializeAsString() == fields.SerializeAsString(), "the fields are others");
}

}  // namespace
}  // namespace maskd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data) + 2, size - 2);
  if (data[0] % 4 >= 2) {
    maskd::CompareTensorsWithProtobuf(bytes, data[1]);
  } else if (data[0] % 2 == 0) {
    maskd::CompareWithProtobuf(bytes, data[1], &maskd::v1::RandomMaskingRequest::mutable_tokens);
  } else {
    maskd::CompareWithProtobuf(bytes, data[1], &maskd::v1::StreamRandomMaskingResponse::mutable_kept_tokens);
  }
  return 0;
}
