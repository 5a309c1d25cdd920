#include "kernels/cpu/write_results.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

namespace maskd {
namespace {

// Destinations have any alignment, hence memcpy.
template <typename Value>
void Store(std::byte* out, std::size_t index, Value value) {
  std::memcpy(out + index * sizeof(Value), &value, sizeof(Value));
}

template <typename Id>
void StoreIds(std::span<const std::uint32_t> ids, std::byte* out) {
  for (std::size_t i = 0; i < ids.size(); ++i) Store(out, i, static_cast<Id>(ids[i]));
}

void StoreIds(IdsType type, std::span<const std::uint32_t> ids, std::byte* out) {
  switch (type) {
    case IdsType::kInt64:
      return StoreIds<std::int64_t>(ids, out);
    case IdsType::kInt32:
      return StoreIds<std::int32_t>(ids, out);
    case IdsType::kUint16:
      return StoreIds<std::uint16_t>(ids, out);
  }
}

// `is_one(rank)` says, as 0 or 1, whether the token of this rank has a 1 in the mask.
// Without branches: masks are random, and a processor would guess wrong.
template <typename IsOne>
void StoreMask(MaskType type, std::span<const std::uint32_t> ids_restore, std::byte* out, IsOne is_one) {
  switch (type) {
    case MaskType::kFloat32:
      for (std::size_t l = 0; l < ids_restore.size(); ++l)
        Store(out, l, is_one(ids_restore[l]) * std::bit_cast<std::uint32_t>(1.0f));
      return;
    case MaskType::kUint8:
      for (std::size_t l = 0; l < ids_restore.size(); ++l) {
        Store(out, l, static_cast<std::uint8_t>(is_one(ids_restore[l])));
      }
      return;
    case MaskType::kPackedBits:
      for (std::size_t first = 0; first < ids_restore.size(); first += 8) {
        const auto byte_of = ids_restore.subspan(first, std::min<std::size_t>(8, ids_restore.size() - first));
        unsigned bits = 0;
        for (std::size_t i = 0; i < byte_of.size(); ++i) bits |= is_one(byte_of[i]) << i;
        out[first / 8] = static_cast<std::byte>(bits);
      }
      return;
  }
}

}  // namespace

void WriteMaskAndIds(const MaskingPlan& plan, std::int64_t n, std::span<const std::uint32_t> ids_shuffle,
                     std::span<const std::uint32_t> ids_restore, const MaskingBuffers& buffers) {
  const ResultSelection& selection = plan.selection;
  const std::int64_t length = plan.sequence_length;
  const std::int64_t id_bytes = IdBytes(selection.ids_type);
  const auto num_keep = static_cast<std::uint32_t>(plan.num_keep);
  if (selection.ids_restore) {
    StoreIds(selection.ids_type, ids_restore, buffers.ids_restore + n * length * id_bytes);
  }
  if (selection.ids_keep) {
    StoreIds(selection.ids_type, ids_shuffle.first(num_keep),
             buffers.ids_keep + n * plan.num_keep * id_bytes);
  }
  if (selection.ids_mask) {
    StoreIds(selection.ids_type, ids_shuffle.subspan(num_keep),
             buffers.ids_mask + n * (length - plan.num_keep) * id_bytes);
  }
  if (selection.mask) {
    std::byte* const mask = buffers.mask + n * MaskRowBytes(selection.mask_type, length);
    if (selection.mask_polarity == MaskPolarity::kMaskedIsOne) {
      StoreMask(selection.mask_type, ids_restore, mask,
                [num_keep](std::uint32_t rank) { return std::uint32_t{rank >= num_keep}; });
    } else {
      StoreMask(selection.mask_type, ids_restore, mask,
                [num_keep](std::uint32_t rank) { return std::uint32_t{rank < num_keep}; });
    }
  }
}

}  // namespace maskd
