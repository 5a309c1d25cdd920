#include "kernels/cpu/rank_keys.h"

#include <algorithm>
#include <bit>

namespace maskd {
namespace {

// Beyond this many tokens the buckets no longer fit the cache, and digits win.
constexpr std::int64_t kMaxBucketedLength = 65536;
constexpr int kDigitBits = 8;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;

std::uint64_t Entry(std::uint32_t key, std::size_t index) { return std::uint64_t{key} << 32 | index; }

}  // namespace

KeyRanker::KeyRanker(std::int64_t sequence_length, int key_bits, bool uniform)
    : key_bits_(key_bits),
      bucket_bits_(
          uniform && sequence_length <= kMaxBucketedLength
              ? std::max(1, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(sequence_length))))
              : 0),
      entries_(static_cast<std::size_t>(sequence_length)),
      other_entries_(bucket_bits_ == 0 ? static_cast<std::size_t>(sequence_length) : 0),
      starts_(bucket_bits_ == 0 ? kDigits : std::size_t{1} << bucket_bits_) {}

void KeyRanker::Rank(std::span<const std::uint32_t> keys, std::span<std::uint32_t> ids_shuffle,
                     std::span<std::uint32_t> ids_restore) {
  if (bucket_bits_ != 0) {
    SortByBuckets(keys);
  } else {
    SortByDigits(keys);
  }
  for (std::size_t j = 0; j < entries_.size(); ++j) {
    const auto index = static_cast<std::uint32_t>(entries_[j]);
    ids_shuffle[j] = index;
    ids_restore[index] = static_cast<std::uint32_t>(j);
  }
}

// One to two buckets a key, by the key's leading bits; what shares a bucket,
// seldom more than three, is put right by insertion.
void KeyRanker::SortByBuckets(std::span<const std::uint32_t> keys) {
  const int shift = key_bits_ - bucket_bits_;
  std::fill(starts_.begin(), starts_.end(), 0u);
  for (const std::uint32_t key : keys) ++starts_[key >> shift];
  std::uint32_t start = 0;
  for (std::uint32_t& bucket : starts_) {
    const std::uint32_t count = bucket;
    bucket = start;
    start += count;
  }
  for (std::size_t l = 0; l < keys.size(); ++l) entries_[starts_[keys[l] >> shift]++] = Entry(keys[l], l);
  for (std::size_t j = 1; j < entries_.size(); ++j) {
    const std::uint64_t entry = entries_[j];
    std::size_t hole = j;
    for (; hole > 0 && entries_[hole - 1] > entry; --hole) entries_[hole] = entries_[hole - 1];
    entries_[hole] = entry;
  }
}

// Least significant digit first; a digit that all keys share is passed over.
void KeyRanker::SortByDigits(std::span<const std::uint32_t> keys) {
  for (std::size_t l = 0; l < keys.size(); ++l) entries_[l] = Entry(keys[l], l);
  for (int shift = 32; shift < 32 + key_bits_; shift += kDigitBits) {
    const auto digit = [shift](std::uint64_t entry) { return (entry >> shift) & (kDigits - 1); };
    std::fill(starts_.begin(), starts_.end(), 0u);
    for (const std::uint64_t entry : entries_) ++starts_[digit(entry)];
    if (starts_[digit(entries_[0])] == entries_.size()) continue;
    std::uint32_t start = 0;
    for (std::uint32_t& bucket : starts_) {
      const std::uint32_t count = bucket;
      bucket = start;
      start += count;
    }
    for (const std::uint64_t entry : entries_) other_entries_[starts_[digit(entry)]++] = entry;
    entries_.swap(other_entries_);
  }
}

}  // namespace maskd
