// A serialized message with places in it that are written later.
#ifndef MASKD_SERVER_MESSAGE_LAYOUT_H_
#define MASKD_SERVER_MESSAGE_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "proto/field_head.h"

namespace maskd {

// Fields are to be added in the order of their numbers, as protobuf writes them.
// With messages of protobuf in the place of the known fields a mask of one sample took
// 2 us more, of 50 (docs/performance.md).
class MessageLayout {
 public:
  // An integer or enumerator, unless it is 0.
  void AddInteger(int field, std::int64_t value) {
    if (value != 0) Add(EncodeInteger(field, value));
  }

  // A string, unless it is empty.
  void AddString(int field, std::string_view text) {
    if (text.empty()) return;
    Add(EncodeFieldHead(field, static_cast<std::int64_t>(text.size())));
    known_.insert(known_.end(), text.begin(), text.end());
  }

  // A repeated field of integers, unless there are none.
  void AddIntegers(int field, std::span<const std::int64_t> values) {
    MessageLayout packed;
    for (const std::int64_t value : values) packed.Add(EncodeVarint(static_cast<std::uint64_t>(value)));
    if (!values.empty()) AddMessage(field, packed);
  }

  // A bytes field of `size` bytes that are written later. Write says where, in
  // `*place`.
  void AddBytes(int field, std::int64_t size, std::byte** place) {
    Add(EncodeFieldHead(field, size));
    gaps_.push_back({known_.size(), size, place});
    gap_bytes_ += size;
  }

  // A field that is a message.
  void AddMessage(int field, const MessageLayout& message) {
    Add(EncodeFieldHead(field, message.size()));
    for (const Gap& gap : message.gaps_) gaps_.push_back({known_.size() + gap.after, gap.size, gap.place});
    known_.insert(known_.end(), message.known_.begin(), message.known_.end());
    gap_bytes_ += message.gap_bytes_;
  }

  // Of the serialized message, in bytes.
  std::int64_t size() const { return static_cast<std::int64_t>(known_.size()) + gap_bytes_; }

  // Serializes to at[0, size()) all but the places, and sets those.
  void Write(std::byte* at) const {
    std::size_t written = 0;
    for (const Gap& gap : gaps_) {
      std::memcpy(at, known_.data() + written, gap.after - written);
      at += gap.after - written;
      written = gap.after;
      *gap.place = at;
      at += gap.size;
    }
    std::memcpy(at, known_.data() + written, known_.size() - written);
  }

 private:
  // Bytes that are left out of known_.
  struct Gap {
    std::size_t after;  // how many of known_ come before it
    std::int64_t size;
    std::byte** place;
  };

  void Add(const std::string& encoded) { known_.insert(known_.end(), encoded.begin(), encoded.end()); }

  // Without a call of malloc for the usual response.
  absl::InlinedVector<std::uint8_t, 192> known_;
  absl::InlinedVector<Gap, 6> gaps_;
  std::int64_t gap_bytes_ = 0;
};

}  // namespace maskd

#endif  // MASKD_SERVER_MESSAGE_LAYOUT_H_
