// The sort stage: the stable ascending order of one sequence's keys.
#ifndef MASKD_KERNELS_CPU_RANK_KEYS_H_
#define MASKD_KERNELS_CPU_RANK_KEYS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/scratch_array.h"
#include "kernels/cpu/sort_neighbours.h"

namespace maskd {

// Ranks sequences of one length. Owns the scratch memory, at most 16 bytes a
// token beside 1 KiB; not thread-safe.
class KeyRanker {
 public:
  // Keys are below 2^key_bits, and key_bits <= 32. `uniform` promises keys drawn
  // uniformly, for which buckets take linear time; other keys are sorted by
  // digits, in linear time whatever they are. The order is the same.
  KeyRanker(std::int64_t sequence_length, int key_bits, bool uniform);

  // ids_shuffle[j] becomes the index of the key of rank j, and ids_restore its
  // inverse. All [L].
  void Rank(std::span<const std::uint32_t> keys, std::span<std::uint32_t> ids_shuffle,
            std::span<std::uint32_t> ids_restore);

 private:
  enum class Method { kNarrowBuckets, kWideBuckets, kDigits };

  static Method MethodFor(std::int64_t sequence_length, int key_bits, bool uniform);
  void SortByDigits(std::span<const std::uint32_t> keys);

  const int key_bits_;
  const Method method_;
  // An entry is a key with its index behind it: all different, so that sorting
  // entries sorts keys stably.
  ScratchArray<std::uint32_t, 256 + kNeighbourPadding> narrow_entries_;  // key << 8 | index
  std::vector<std::uint64_t> wide_entries_;                              // key << 32 | index
  std::vector<std::uint64_t> other_wide_entries_;                        // where digits are sorted to
  ScratchArray<std::uint32_t, 512> starts_;                              // of buckets, or of digits
};

// Puts the first num_keep ids of `ids_shuffle` into ascending order, and
// `ids_restore` after them; removed tokens stay as they are. Both [L].
void OrderKeptByIndex(std::int64_t num_keep, std::span<std::uint32_t> ids_shuffle,
                      std::span<std::uint32_t> ids_restore);

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_RANK_KEYS_H_
