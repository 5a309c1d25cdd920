#include "kernels/cpu/gather_tokens.h"

#include <algorithm>
#include <cstring>

namespace maskd {
namespace {

// How far into the next row the processor is told to read ahead: it finds out
// by itself that a row goes on, but not where the next one begins.
constexpr std::size_t kPrefetchBytes = 512;
constexpr std::size_t kCacheLine = 64;

// kTokenBytes != 0 fixes the size at compile time: a move instead of a call.
template <std::size_t kTokenBytes>
void Gather(const GatherKept& op) {
  const std::size_t token_bytes = kTokenBytes != 0 ? kTokenBytes : static_cast<std::size_t>(op.token_bytes);
  const std::size_t length = op.ids_restore.size();
  const auto next_kept = [&op, length](std::size_t l) {
    while (l < length && op.ids_restore[l] >= op.num_keep) ++l;
    return l;
  };
  for (std::size_t l = next_kept(0); l < length;) {
    const std::size_t next = next_kept(l + 1);
    if (kTokenBytes == 0 && next < length) {
      const std::byte* const ahead = op.tokens + next * token_bytes;
      for (std::size_t i = 0; i < std::min(token_bytes, kPrefetchBytes); i += kCacheLine)
        __builtin_prefetch(ahead + i);
    }
    std::memcpy(op.kept_tokens + op.ids_restore[l] * token_bytes, op.tokens + l * token_bytes, token_bytes);
    l = next;
  }
}

}  // namespace

void GatherKeptTokens(const GatherKept& op) {
  switch (op.token_bytes) {
    case 1:
      return Gather<1>(op);
    case 2:
      return Gather<2>(op);
    case 4:
      return Gather<4>(op);
    case 8:
      return Gather<8>(op);
    case 16:
      return Gather<16>(op);
    default:
      return Gather<0>(op);
  }
}

}  // namespace maskd
