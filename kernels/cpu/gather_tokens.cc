#include "kernels/cpu/gather_tokens.h"

#include <cstring>

namespace maskd {
namespace {

// kTokenBytes != 0 fixes the size at compile time: a move instead of a call.
template <std::size_t kTokenBytes>
void Gather(const GatherTokensOp& op) {
  const std::size_t token_bytes = kTokenBytes != 0 ? kTokenBytes : static_cast<std::size_t>(op.token_bytes);
  const auto num_keep = static_cast<std::uint32_t>(op.num_keep);
  const std::byte* token = op.tokens;
  for (const std::uint32_t rank : op.ids_restore) {
    if (rank < num_keep) std::memcpy(op.kept_tokens + rank * token_bytes, token, token_bytes);
    token += token_bytes;
  }
}

}  // namespace

void GatherTokens(const GatherTokensOp& op) {
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
