// The gather stage: the kept tokens of one sequence.
#ifndef MASKD_KERNELS_CPU_GATHER_TOKENS_H_
#define MASKD_KERNELS_CPU_GATHER_TOKENS_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace maskd {

// Operands of GatherKeptTokens. Any alignment; must not overlap.
struct GatherKept {
  const std::byte* tokens;                     // [L, token_bytes]
  std::span<const std::uint32_t> ids_restore;  // [L], a permutation
  std::byte* kept_tokens;                      // [K, token_bytes], written
  std::int64_t num_keep;                       // K, 0 <= K <= L
  std::int64_t token_bytes;                    // >= 1
};

// kept_tokens[ids_restore[l]] = tokens[l] wherever ids_restore[l] < K.
// Reads tokens in memory order, which is faster than writing in it.
void GatherKeptTokens(const GatherKept& op);

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_GATHER_TOKENS_H_
