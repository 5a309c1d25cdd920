// The sort stage: the stable ascending order of one sequence's keys.
#ifndef MASKD_KERNELS_CPU_RANK_KEYS_H_
#define MASKD_KERNELS_CPU_RANK_KEYS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace maskd {

// Ranks sequences of one length. Owns the scratch memory, about 24 bytes a
// token; not thread-safe.
class KeyRanker {
 public:
  // Keys are below 2^key_bits. `uniform` promises keys drawn uniformly, for
  // which buckets take linear time; other keys are radix-sorted, in linear
  // time whatever they are. The order is the same.
  KeyRanker(std::int64_t sequence_length, int key_bits, bool uniform);

  // ids_shuffle[j] becomes the index of the key of rank j, and ids_restore its
  // inverse. All [L].
  void Rank(std::span<const std::uint32_t> keys, std::span<std::uint32_t> ids_shuffle,
            std::span<std::uint32_t> ids_restore);

 private:
  void SortByBuckets(std::span<const std::uint32_t> keys);
  void SortByDigits(std::span<const std::uint32_t> keys);

  const int key_bits_;
  const int bucket_bits_;               // 0: by digits
  std::vector<std::uint64_t> entries_;  // key << 32 | index
  std::vector<std::uint64_t> other_entries_;
  std::vector<std::uint32_t> starts_;  // of buckets
};

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_RANK_KEYS_H_
