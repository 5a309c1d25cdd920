// A serialized message with places in it that are written later.
#ifndef MASKD_SERVER_MESSAGE_LAYOUT_H_
#define MASKD_SERVER_MESSAGE_LAYOUT_H_

#include <google/protobuf/message_lite.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/container/inlined_vector.h"
#include "proto/field_head.h"

namespace maskd {

class MessageLayout {
 public:
  // Fields that are known.
  void AddFields(const google::protobuf::MessageLite& fields) {
    const std::size_t before = known_.size();
    known_.resize(before + fields.ByteSizeLong());
    fields.SerializeWithCachedSizesToArray(known_.data() + before);
  }

  // A bytes field of `size` bytes that are written later. Write says where, in
  // `*place`.
  void AddBytes(int field, std::int64_t size, std::byte** place) {
    AddHead(field, size);
    gaps_.push_back({known_.size(), size, place});
    gap_bytes_ += size;
  }

  // A field that is a message.
  void AddMessage(int field, const MessageLayout& message) {
    AddHead(field, message.size());
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

  void AddHead(int field, std::int64_t size) {
    const std::string head = EncodeFieldHead(field, size);  // too short for malloc
    known_.insert(known_.end(), head.begin(), head.end());
  }

  // Without a call of malloc for the usual response.
  absl::InlinedVector<std::uint8_t, 192> known_;
  absl::InlinedVector<Gap, 6> gaps_;
  std::int64_t gap_bytes_ = 0;
};

}  // namespace maskd

#endif  // MASKD_SERVER_MESSAGE_LAYOUT_H_
