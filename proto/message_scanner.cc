#include "proto/message_scanner.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>

namespace maskd {
namespace {

using ::google::protobuf::internal::WireFormatLite;
using ::google::protobuf::io::CodedOutputStream;

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

// Reads fields one after another.
class Scanner {
 public:
  explicit Scanner(std::span<const Fragment> fragments)
      : stream_(fragments), input_(&stream_), cursor_(fragments) {
    for (const Fragment fragment : fragments) total_ += static_cast<std::int64_t>(fragment.size());
  }

  std::int64_t total() const { return total_; }

  // Reads the fields of a message that ends at byte `end`: the payload, and the
  // others as they are, but that tensors of fields 1, 2, .. are left without
  // theirs. False if it is no message.
  bool Read(std::int64_t end, std::string& fields, Payload& payload, std::span<Payload> tensors) {
    for (;;) {
      const std::int64_t begin = input_.CurrentPosition();
      const std::uint32_t tag = input_.ReadTag();
      // The end of the message, or a fault in it.
      if (tag == 0) return begin == end && input_.CurrentPosition() == begin;
      // As protobuf has it; CodedInputStream takes longer ones.
      const std::int64_t tag_end = input_.CurrentPosition();
      if (tag_end - begin > kMaxVarint32Bytes) return false;
      const int field = WireFormatLite::GetTagFieldNumber(tag);
      const bool bytes = WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
      if (bytes && field == kPayloadField) {
        if (!ReadPayload(payload)) return false;
      } else if (bytes && field >= 1 && field <= static_cast<int>(tensors.size())) {
        if (!ReadTensor(tag, fields, tensors[static_cast<std::size_t>(field - 1)])) return false;
      } else {
        if (!WireFormatLite::SkipField(&input_, tag)) return false;
        cursor_.Walk(begin, input_.CurrentPosition(), [&fields](Fragment piece) {
          fields.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        });
      }
    }
  }

 private:
  static constexpr std::int64_t kMaxVarint32Bytes = 5;

  bool ReadSize(int* size) {
    const std::int64_t begin = input_.CurrentPosition();
    return input_.ReadVarintSizeAsInt(size) && input_.CurrentPosition() - begin <= kMaxVarint32Bytes;
  }

  bool ReadPayload(Payload& payload) {
    int size = 0;
    if (!ReadSize(&size)) return false;
    const std::int64_t begin = input_.CurrentPosition();
    if (!input_.Skip(size)) return false;
    payload = {.fragments = {}, .bytes = size};
    cursor_.Walk(begin, begin + size, [&payload](Fragment piece) { payload.fragments.push_back(piece); });
    return true;
  }

  bool ReadTensor(std::uint32_t tag, std::string& fields, Payload& payload) {
    int size = 0;
    if (!ReadSize(&size)) return false;
    std::string tensor;
    const auto limit = input_.PushLimit(size);
    if (!Read(std::int64_t{input_.CurrentPosition()} + size, tensor, payload, {})) return false;
    input_.PopLimit(limit);
    std::uint8_t head[2 * kMaxVarint32Bytes];
    std::uint8_t* end = CodedOutputStream::WriteVarint32ToArray(tag, head);
    end = CodedOutputStream::WriteVarint32ToArray(static_cast<std::uint32_t>(tensor.size()), end);
    fields.append(reinterpret_cast<const char*>(head), static_cast<std::size_t>(end - head));
    fields += tensor;
    return true;
  }

  FragmentInputStream stream_;
  google::protobuf::io::CodedInputStream input_;
  FragmentCursor cursor_;
  std::int64_t total_ = 0;
};

}  // namespace

std::optional<ScannedMessage> ScanMessage(std::span<const Fragment> fragments) {
  Scanner scanner(fragments);
  ScannedMessage message;
  if (!scanner.Read(scanner.total(), message.fields, message.payload, {})) return std::nullopt;
  return message;
}

std::optional<ScannedTensors> ScanTensors(std::span<const Fragment> fragments) {
  Scanner scanner(fragments);
  ScannedTensors message;
  Payload none;  // a field 15 is unknown to these messages
  if (!scanner.Read(scanner.total(), message.fields, none, message.payloads)) return std::nullopt;
  return message;
}

}  // namespace maskd
