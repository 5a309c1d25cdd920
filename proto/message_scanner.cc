#include "proto/message_scanner.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>

namespace maskd {
namespace {

using ::google::protobuf::internal::WireFormatLite;

class FragmentInputStream final : public google::protobuf::io::ZeroCopyInputStream {
 public:
  explicit FragmentInputStream(std::span<const Fragment> fragments) : fragments_(fragments) {}

  bool Next(const void** data, int* size) override {
    while (index_ < fragments_.size() && offset_ == fragments_[index_].size()) {
      ++index_;
      offset_ = 0;
    }
    if (index_ == fragments_.size()) return false;
    const Fragment rest = fragments_[index_].subspan(offset_);
    *data = rest.data();
    *size = static_cast<int>(rest.size());
    offset_ += rest.size();
    read_ += *size;
    return true;
  }

  // Only what the last Next returned, as the interface has it.
  void BackUp(int count) override {
    offset_ -= static_cast<std::size_t>(count);
    read_ -= count;
  }

  bool Skip(int count) override {
    const void* data = nullptr;
    int size = 0;
    while (count > 0 && Next(&data, &size)) {
      if (size > count) BackUp(size - count);
      count -= std::min(size, count);
    }
    return count == 0;
  }

  std::int64_t ByteCount() const override { return read_; }

 private:
  const std::span<const Fragment> fragments_;
  std::size_t index_ = 0;   // of the fragment that Next goes on with
  std::size_t offset_ = 0;  // in that fragment
  std::int64_t read_ = 0;
};

// Walks over the bytes of a message in ascending order.
class FragmentCursor {
 public:
  explicit FragmentCursor(std::span<const Fragment> fragments) : fragments_(fragments) {}

  // Calls take(fragment) with bytes [begin, end) of the message, `begin` being
  // at least the `end` of the call before.
  template <typename Take>
  void Walk(std::int64_t begin, std::int64_t end, const Take& take) {
    while (begin < end) {
      const auto size = static_cast<std::int64_t>(fragments_[index_].size());
      if (begin >= start_ + size) {
        start_ += size;
        ++index_;
        continue;
      }
      const std::int64_t stop = std::min(end, start_ + size);
      take(fragments_[index_].subspan(static_cast<std::size_t>(begin - start_),
                                      static_cast<std::size_t>(stop - begin)));
      begin = stop;
    }
  }

 private:
  const std::span<const Fragment> fragments_;
  std::size_t index_ = 0;
  std::int64_t start_ = 0;  // of fragments_[index_] in the message
};

}  // namespace

std::optional<ScannedMessage> ScanMessage(std::span<const Fragment> fragments) {
  std::int64_t total = 0;
  for (const Fragment fragment : fragments) total += static_cast<std::int64_t>(fragment.size());
  FragmentInputStream stream(fragments);
  google::protobuf::io::CodedInputStream input(&stream);
  FragmentCursor cursor(fragments);
  ScannedMessage message;
  constexpr std::int64_t kMaxVarint32Bytes = 5;
  constexpr std::uint32_t kPayloadTag =
      WireFormatLite::MakeTag(kPayloadField, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  for (;;) {
    const std::int64_t begin = input.CurrentPosition();
    const std::uint32_t tag = input.ReadTag();
    if (tag == 0) {
      // The end of the message, or a fault in it.
      if (begin != total || input.CurrentPosition() != begin) return std::nullopt;
      break;
    }
    // As protobuf has it; CodedInputStream takes longer ones.
    const std::int64_t tag_end = input.CurrentPosition();
    if (tag_end - begin > kMaxVarint32Bytes) return std::nullopt;
    if (tag != kPayloadTag) {
      if (!WireFormatLite::SkipField(&input, tag)) return std::nullopt;
      cursor.Walk(begin, input.CurrentPosition(), [&message](Fragment piece) {
        message.fields.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      });
      continue;
    }
    int size = 0;
    if (!input.ReadVarintSizeAsInt(&size)) return std::nullopt;
    const std::int64_t payload_begin = input.CurrentPosition();
    if (payload_begin - tag_end > kMaxVarint32Bytes) return std::nullopt;
    if (!input.Skip(size)) return std::nullopt;
    message.payload.clear();
    message.payload_bytes = size;
    cursor.Walk(payload_begin, payload_begin + size,
                [&message](Fragment piece) { message.payload.push_back(piece); });
  }
  return message;
}

}  // namespace maskd
