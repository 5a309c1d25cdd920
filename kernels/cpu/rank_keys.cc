#include "kernels/cpu/rank_keys.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "kernels/cpu/sort_neighbours.h"

namespace maskd {
namespace {

constexpr int kNarrowIndexBits = 8;
constexpr int kNarrowKeyBits = 32 - kNarrowIndexBits;
constexpr std::int64_t kMaxNarrowLength = std::int64_t{1} << kNarrowIndexBits;
constexpr int kWideIndexBits = 32;

// Beyond this many tokens the buckets no longer fit the cache, and digits win.
constexpr std::int64_t kMaxBucketedLength = 65536;
constexpr int kDigitBits = 8;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;

// One to two buckets a key.
int BucketBits(std::int64_t sequence_length) {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(sequence_length)));
}

// Turns counts into the sums of the counts before them.
void CountsToStarts(std::span<std::uint32_t> counts) {
  std::uint32_t start = 0;
  for (std::uint32_t& bucket : counts) {
    const std::uint32_t count = bucket;
    bucket = start;
    start += count;
  }
}

// By the keys' leading bits; what shares a bucket, seldom more than three, is
// put right among neighbours.
template <typename Entry>
void SortByBuckets(std::span<const std::uint32_t> keys, int key_bits, int index_bits,
                   std::span<std::uint32_t> starts, std::span<Entry> entries) {
  const int bucket_bits = static_cast<int>(std::bit_width(starts.size())) - 1;
  const int shift = std::max(0, key_bits - bucket_bits);
  std::fill(starts.begin(), starts.end(), 0u);
  for (const std::uint32_t key : keys) ++starts[key >> shift];
  CountsToStarts(starts);
  for (std::size_t l = 0; l < keys.size(); ++l) {
    entries[starts[keys[l] >> shift]++] = static_cast<Entry>(static_cast<Entry>(keys[l]) << index_bits | l);
  }
  SortNeighbours(entries);
}

// Splits sorted entries.
template <typename Entry>
void WriteRanks(std::span<const Entry> entries, int index_bits, std::span<std::uint32_t> ids_shuffle,
                std::span<std::uint32_t> ids_restore) {
  const auto index_mask = static_cast<std::uint32_t>((std::uint64_t{1} << index_bits) - 1);
  for (std::size_t j = 0; j < entries.size(); ++j) {
    const std::uint32_t index = static_cast<std::uint32_t>(entries[j]) & index_mask;
    ids_shuffle[j] = index;
    ids_restore[index] = static_cast<std::uint32_t>(j);
  }
}

}  // namespace

KeyRanker::Method KeyRanker::MethodFor(std::int64_t sequence_length, int key_bits, bool uniform) {
  if (!uniform || sequence_length > kMaxBucketedLength) return Method::kDigits;
  if (sequence_length > kMaxNarrowLength || key_bits > kNarrowKeyBits) return Method::kWideBuckets;
  return Method::kNarrowBuckets;
}

KeyRanker::KeyRanker(std::int64_t sequence_length, int key_bits, bool uniform)
    : key_bits_(key_bits),
      method_(MethodFor(sequence_length, key_bits, uniform)),
      narrow_entries_(method_ == Method::kNarrowBuckets
                          ? static_cast<std::size_t>(sequence_length) + kNeighbourPadding
                          : 0),
      starts_(method_ == Method::kDigits ? kDigits : std::size_t{1} << BucketBits(sequence_length)) {
  const auto length = static_cast<std::size_t>(sequence_length);
  switch (method_) {
    case Method::kNarrowBuckets:
      std::ranges::fill(narrow_entries_.elements().last(kNeighbourPadding), 0xFFFFFFFFu);
      break;
    case Method::kDigits:
      other_wide_entries_.resize(length);
      [[fallthrough]];
    case Method::kWideBuckets:
      wide_entries_.resize(length);
      break;
  }
}

void KeyRanker::Rank(std::span<const std::uint32_t> keys, std::span<std::uint32_t> ids_shuffle,
                     std::span<std::uint32_t> ids_restore) {
  if (method_ == Method::kNarrowBuckets) {
    const auto entries = narrow_entries_.elements().first(keys.size());
    SortByBuckets(keys, key_bits_, kNarrowIndexBits, starts_.elements(), entries);
    return WriteRanks<std::uint32_t>(entries, kNarrowIndexBits, ids_shuffle, ids_restore);
  }
  if (method_ == Method::kWideBuckets) {
    SortByBuckets(keys, key_bits_, kWideIndexBits, starts_.elements(), std::span(wide_entries_));
  } else {
    SortByDigits(keys);
  }
  WriteRanks<std::uint64_t>(wide_entries_, kWideIndexBits, ids_shuffle, ids_restore);
}

// Least significant digit first; a digit that all keys share is passed over.
void KeyRanker::SortByDigits(std::span<const std::uint32_t> keys) {
  const std::span<std::uint32_t> starts = starts_.elements();
  for (std::size_t l = 0; l < keys.size(); ++l)
    wide_entries_[l] = std::uint64_t{keys[l]} << kWideIndexBits | l;
  for (int shift = kWideIndexBits; shift < kWideIndexBits + key_bits_; shift += kDigitBits) {
    const auto digit = [shift](std::uint64_t entry) { return (entry >> shift) & (kDigits - 1); };
    std::fill(starts.begin(), starts.end(), 0u);
    for (const std::uint64_t entry : wide_entries_) ++starts[digit(entry)];
    if (starts[digit(wide_entries_[0])] == wide_entries_.size()) continue;
    CountsToStarts(starts);
    for (const std::uint64_t entry : wide_entries_) other_wide_entries_[starts[digit(entry)]++] = entry;
    wide_entries_.swap(other_wide_entries_);
  }
}

void OrderKeptByIndex(std::int64_t num_keep, std::span<std::uint32_t> ids_shuffle,
                      std::span<std::uint32_t> ids_restore) {
  // Without branches: masks are random. What a removed token leaves, the next kept one
  // overwrites.
  std::uint32_t next = 0;
  for (std::size_t l = 0; next < num_keep; ++l) {
    const bool kept = ids_restore[l] < num_keep;
    ids_shuffle[next] = static_cast<std::uint32_t>(l);
    ids_restore[l] = kept ? next : ids_restore[l];
    next += kept;
  }
}

}  // namespace maskd
