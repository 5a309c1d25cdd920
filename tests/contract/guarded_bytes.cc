#include "tests/contract/guarded_bytes.h"

#include <gtest/gtest.h>

namespace maskd {
namespace {

constexpr std::int64_t kAlignment = 64;
constexpr std::int64_t kGuardBytes = 128;

// Differs from byte to byte, so that a shifted or copied guard shows.
std::byte GuardAt(std::size_t position) { return static_cast<std::byte>(0xa5 ^ (position * 7 & 0xff)); }

}  // namespace

GuardedBytes::GuardedBytes(std::int64_t size, std::int64_t misalignment)
    : storage_(static_cast<std::size_t>(size + 2 * kGuardBytes + 2 * kAlignment)), size_(size) {
  const auto address = reinterpret_cast<std::uintptr_t>(storage_.data());
  const auto past = static_cast<std::int64_t>(address % static_cast<std::uintptr_t>(kAlignment));
  begin_ = kGuardBytes + kAlignment - past + misalignment;
  for (std::size_t i = 0; i < storage_.size(); ++i) storage_[i] = GuardAt(i);
}

std::vector<std::byte> GuardedBytes::Copy() const {
  return {storage_.begin() + begin_, storage_.begin() + begin_ + size_};
}

void GuardedBytes::ExpectGuardsIntact(std::string_view what) const {
  for (std::size_t i = 0; i < storage_.size(); ++i) {
    const std::int64_t offset = static_cast<std::int64_t>(i) - begin_;
    if (offset == 0) i += static_cast<std::size_t>(size_);
    if (i < storage_.size() && storage_[i] != GuardAt(i)) {
      ADD_FAILURE() << what << " [" << size_ << " bytes]: the byte at offset "
                    << static_cast<std::int64_t>(i) - begin_ << " was written";
      return;
    }
  }
}

void GuardedBytes::ExpectUntouched(std::string_view what) const {
  for (std::size_t i = 0; i < storage_.size(); ++i) {
    if (storage_[i] != GuardAt(i)) {
      ADD_FAILURE() << what << " [" << size_ << " bytes] was not selected, and its byte at offset "
                    << static_cast<std::int64_t>(i) - begin_ << " was written";
      return;
    }
  }
}

}  // namespace maskd
