#include "kernels/mask_then_gather.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <vector>

#include "kernels/status_macros.h"

namespace maskd {
namespace {

// Tokens between two questions whether the caller has gone, and those that a
// thread takes at a time, if a sequence has no more.
constexpr std::int64_t kRunBytes = std::int64_t{64} << 20;

}  // namespace

absl::Status MaskThenGather(
    const MaskingPlan& plan, const MaskingBuffers& buffers, const IsCancelled& is_cancelled,
    TokenGatherer& gatherer,
    const std::function<absl::Status(const MaskingPlan& plan, const MaskingBuffers& buffers)>& mask) {
  const ResultSelection& selection = plan.selection;
  if (!selection.kept_tokens) return mask(plan, buffers);

  const std::int64_t ids_row_bytes = plan.sequence_length * IdBytes(selection.ids_type);
  MaskingPlan order = plan;
  order.token_bytes = 0;
  order.tokens_bytes = 0;
  order.selection.kept_tokens = false;
  order.result_bytes.kept_tokens = 0;
  order.selection.ids_restore = true;
  order.result_bytes.ids_restore = plan.batch_size * ids_row_bytes;
  MaskingBuffers results = buffers;
  std::vector<std::byte> ids_restore;
  std::vector<std::span<const std::byte>> sequences;
  const std::int64_t sequence_bytes = plan.sequence_length * plan.token_bytes;
  const std::int64_t run = std::clamp<std::int64_t>(kRunBytes / sequence_bytes, 1, plan.batch_size);
  try {
    if (!selection.ids_restore) {
      ids_restore.resize(static_cast<std::size_t>(order.result_bytes.ids_restore));
      results.ids_restore = ids_restore.data();
    }
    sequences.reserve(static_cast<std::size_t>(run));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory for the order of the tokens; send a smaller batch");
  }
  MASKD_RETURN_IF_ERROR(mask(order, results));

  for (std::int64_t first = 0; first < plan.batch_size; first += run) {
    if (is_cancelled()) return absl::CancelledError("the caller has gone");
    sequences.clear();
    for (std::int64_t n = first; n < std::min(first + run, plan.batch_size); ++n)
      sequences.emplace_back(buffers.tokens + n * sequence_bytes, static_cast<std::size_t>(sequence_bytes));
    gatherer.Gather({.ids_restore = results.ids_restore + first * ids_row_bytes,
                     .ids_type = selection.ids_type,
                     .kept_tokens = buffers.kept_tokens + first * plan.num_keep * plan.token_bytes,
                     .sequence_length = plan.sequence_length,
                     .num_keep = plan.num_keep,
                     .token_bytes = plan.token_bytes},
                    sequences);
  }
  return absl::OkStatus();
}

}  // namespace maskd
