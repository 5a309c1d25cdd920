// The gather stage on the host, for tokens that come in pieces.
#ifndef MASKD_KERNELS_GATHER_TOKEN_BYTES_H_
#define MASKD_KERNELS_GATHER_TOKEN_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/masking_spec.h"

namespace maskd {

// Where the tokens of consecutive sequences go. Row-major, any alignment.
struct KeptTokensLayout {
  const std::byte* ids_restore;  // [N, L] of ids_type, each row a permutation
  IdsType ids_type;
  std::byte* kept_tokens;        // [N, K, token_bytes], written
  std::int64_t sequence_length;  // L >= 1
  std::int64_t num_keep;         // K, 0 <= K <= L
  std::int64_t token_bytes;      // >= 1
};

// Takes `bytes`, which are the tokens [N, L, token_bytes] from byte `offset` on,
// cut anywhere: kept_tokens[n, ids_restore[n, l]] = tokens[n, l] wherever
// ids_restore[n, l] < K, for the part of each token that is in `bytes`.
//
// Reads in memory order, which is faster than writing in it. Calls for disjoint
// bytes may overlap.
void GatherTokenBytes(const KeptTokensLayout& layout, std::int64_t offset, std::span<const std::byte> bytes);

}  // namespace maskd

#endif  // MASKD_KERNELS_GATHER_TOKEN_BYTES_H_
