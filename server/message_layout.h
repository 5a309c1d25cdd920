// A serialized message with places in it that are written later.
#ifndef MASKD_SERVER_MESSAGE_LAYOUT_H_
#define MASKD_SERVER_MESSAGE_LAYOUT_H_

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <string_view>

#include "absl/container/inlined_vector.h"

namespace maskd {

// Laid out from its end, so that the length of a message in it is known when that is
// written: the last field is added first, and a message's fields before its head. In
// the bytes, fields are then in the order of their numbers, as protobuf writes them.
// With messages of protobuf in the place of the known fields a mask of one sample took
// 2 us more, of 50 (docs/performance.md).
class MessageLayout {
 public:
  // An integer or enumerator, unless it is 0.
  void AddInteger(int field, std::int64_t value) {
    if (value == 0) return;
    AddVarint(static_cast<std::uint64_t>(value));
    AddTag(field, WireFormatLite::WIRETYPE_VARINT);
  }

  // A string, unless it is empty.
  void AddString(int field, std::string_view text) {
    if (text.empty()) return;
    const std::int64_t before = size();
    reversed_.insert(reversed_.end(), text.rbegin(), text.rend());
    AddHead(field, before);
  }

  // A repeated field of integers, unless there are none.
  void AddIntegers(int field, std::span<const std::int64_t> values) {
    if (values.empty()) return;
    const std::int64_t before = size();
    for (const std::int64_t value : values | std::views::reverse)
      AddVarint(static_cast<std::uint64_t>(value));
    AddHead(field, before);
  }

  // A bytes field of `bytes` bytes that are written later. Write says where, in
  // `*place`.
  void AddBytes(int field, std::int64_t bytes, std::byte** place) {
    const std::int64_t before = size();
    gaps_.push_back({reversed_.size(), bytes, place});
    gap_bytes_ += bytes;
    AddHead(field, before);
  }

  // Makes what was added since size() was `before` a message, or the like, in a field.
  void AddHead(int field, std::int64_t before) {
    AddVarint(static_cast<std::uint64_t>(size() - before));
    AddTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  }

  // Of what has been added, in bytes.
  std::int64_t size() const { return static_cast<std::int64_t>(reversed_.size()) + gap_bytes_; }

  // Serializes to at[0, size()) all but the places, and sets those.
  void Write(std::byte* at) const {
    std::byte* begin = at + size();  // of what is written
    const std::uint8_t* from = reversed_.data();
    const auto write_until = [&](const std::uint8_t* until) {
      for (; from != until; ++from) *--begin = std::byte{*from};
    };
    for (const Gap& gap : gaps_) {
      write_until(reversed_.data() + gap.before);
      begin -= gap.bytes;
      *gap.place = begin;
    }
    write_until(reversed_.data() + reversed_.size());
  }

 private:
  // Bytes that are left out of reversed_.
  struct Gap {
    std::size_t before;  // how many of reversed_ were added before it
    std::int64_t bytes;
    std::byte** place;
  };

  using WireFormatLite = ::google::protobuf::internal::WireFormatLite;

  void AddTag(int field, WireFormatLite::WireType type) { AddVarint(WireFormatLite::MakeTag(field, type)); }

  void AddVarint(std::uint64_t value) {
    std::uint8_t varint[10];
    const std::uint8_t* end = google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(value, varint);
    while (end != varint) reversed_.push_back(*--end);
  }

  // Without a call of malloc for the usual response.
  absl::InlinedVector<std::uint8_t, 192> reversed_;
  absl::InlinedVector<Gap, 6> gaps_;
  std::int64_t gap_bytes_ = 0;
};

}  // namespace maskd

#endif  // MASKD_SERVER_MESSAGE_LAYOUT_H_
