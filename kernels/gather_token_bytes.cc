#include "kernels/gather_token_bytes.h"

#include <algorithm>
#include <cstring>

#include "kernels/prefetch.h"

namespace maskd {
namespace {

// Whole tokens of one sequence, from token `first` on. kTokenBytes != 0 fixes
// the size at compile time: a move instead of a call.
template <typename Id, std::int64_t kTokenBytes>
void GatherRows(const KeptTokensLayout& layout, std::int64_t n, std::int64_t first, std::int64_t last,
                const std::byte* tokens) {
  const std::int64_t token_bytes = kTokenBytes != 0 ? kTokenBytes : layout.token_bytes;
  const std::byte* const ids = layout.ids_restore + n * layout.sequence_length * std::int64_t{sizeof(Id)};
  std::byte* const kept_tokens = layout.kept_tokens + n * layout.num_keep * token_bytes;
  const auto place = [ids](std::int64_t l) {
    Id id;
    std::memcpy(&id, ids + l * std::int64_t{sizeof(Id)}, sizeof(Id));
    return static_cast<std::int64_t>(id);
  };
  const auto next_kept = [&](std::int64_t l) {
    while (l < last && place(l) >= layout.num_keep) ++l;
    return l;
  };
  for (std::int64_t l = next_kept(first); l < last;) {
    const std::int64_t next = next_kept(l + 1);
    if (kTokenBytes == 0 && next < last) PrefetchRow(tokens + (next - first) * token_bytes, token_bytes);
    std::memcpy(kept_tokens + place(l) * token_bytes, tokens + (l - first) * token_bytes,
                static_cast<std::size_t>(token_bytes));
    l = next;
  }
}

// Bytes [begin, end) of one token.
template <typename Id>
void GatherPiece(const KeptTokensLayout& layout, std::int64_t row, std::int64_t begin, std::int64_t end,
                 const std::byte* bytes) {
  Id id;
  std::memcpy(&id, layout.ids_restore + row * std::int64_t{sizeof(Id)}, sizeof(Id));
  const auto place = static_cast<std::int64_t>(id);
  if (place >= layout.num_keep) return;
  const std::int64_t kept_row = row / layout.sequence_length * layout.num_keep + place;
  std::memcpy(layout.kept_tokens + kept_row * layout.token_bytes + begin, bytes,
              static_cast<std::size_t>(end - begin));
}

template <typename Id>
void Gather(const KeptTokensLayout& layout, std::int64_t offset, std::span<const std::byte> bytes) {
  const std::int64_t token_bytes = layout.token_bytes;
  const std::byte* at = bytes.data();
  std::int64_t left = static_cast<std::int64_t>(bytes.size());
  std::int64_t row = offset / token_bytes;
  if (const std::int64_t begin = offset % token_bytes; begin != 0 && left > 0) {
    const std::int64_t end = std::min(token_bytes, begin + left);
    GatherPiece<Id>(layout, row, begin, end, at);
    at += end - begin;
    left -= end - begin;
    ++row;
  }
  while (left >= token_bytes) {
    const std::int64_t n = row / layout.sequence_length;
    const std::int64_t first = row % layout.sequence_length;
    const std::int64_t count = std::min(left / token_bytes, layout.sequence_length - first);
    switch (token_bytes) {
      case 1:
        GatherRows<Id, 1>(layout, n, first, first + count, at);
        break;
      case 2:
        GatherRows<Id, 2>(layout, n, first, first + count, at);
        break;
      case 4:
        GatherRows<Id, 4>(layout, n, first, first + count, at);
        break;
      case 8:
        GatherRows<Id, 8>(layout, n, first, first + count, at);
        break;
      case 16:
        GatherRows<Id, 16>(layout, n, first, first + count, at);
        break;
      default:
        GatherRows<Id, 0>(layout, n, first, first + count, at);
    }
    at += count * token_bytes;
    left -= count * token_bytes;
    row += count;
  }
  if (left > 0) GatherPiece<Id>(layout, row, 0, left, at);
}

}  // namespace

void GatherTokenBytes(const KeptTokensLayout& layout, std::int64_t offset, std::span<const std::byte> bytes) {
  switch (layout.ids_type) {
    case IdsType::kInt64:
      return Gather<std::int64_t>(layout, offset, bytes);
    case IdsType::kInt32:
      return Gather<std::int32_t>(layout, offset, bytes);
    case IdsType::kUint16:
      return Gather<std::uint16_t>(layout, offset, bytes);
  }
}

}  // namespace maskd
