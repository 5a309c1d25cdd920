#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "kernels/cpu/first_place.h"
#include "kernels/cpu/masked_losses.h"
#include "kernels/cpu/move_indexed.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/load_element.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_ops.h"
#include "kernels/value_errors.h"

namespace maskd {
namespace {

// A range of work of about this many bytes.
constexpr std::int64_t kRangeBytes = std::int64_t{256} << 10;

std::int64_t GrainOf(std::int64_t bytes_each) {
  return std::max<std::int64_t>(1, kRangeBytes / std::max<std::int64_t>(1, bytes_each));
}

// Writes `count` elements at `at`: `element` of element_bytes, or zeros if null.
void Fill(std::byte* at, std::int64_t count, const std::byte* element, std::int64_t element_bytes) {
  if (element == nullptr) {
    std::memset(at, 0, static_cast<std::size_t>(count * element_bytes));
    return;
  }
  for (std::int64_t i = 0; i < count; ++i)
    std::memcpy(at + i * element_bytes, element, static_cast<std::size_t>(element_bytes));
}

void WriteMaskRow(MaskType type, std::byte* mask, std::int64_t index, bool real) {
  if (type == MaskType::kUint8) {
    mask[index] = std::byte{real};
  } else {
    const float value = real ? 1.0f : 0.0f;
    std::memcpy(mask + index * static_cast<std::int64_t>(sizeof value), &value, sizeof value);
  }
}

// Restores one sequence; returns the first token whose id is no place of the
// permutation, or -1. `seen` [L] is all 0, and again after.
template <typename Id>
std::int64_t RestoreSequence(const RestorePlan& plan, const std::byte* kept, const Id* ids,
                             const std::byte* fill, std::byte* restored, std::span<std::uint8_t> seen) {
  const auto bytes = static_cast<std::size_t>(plan.token_bytes);
  const std::int64_t prefix_bytes = plan.num_prefix * plan.token_bytes;
  if (prefix_bytes > 0) std::memcpy(restored, kept, static_cast<std::size_t>(prefix_bytes));
  kept += prefix_bytes;
  restored += prefix_bytes;
  std::int64_t bad = -1;
  for (std::int64_t l = 0; l < plan.sequence_length; ++l) {
    const auto id = static_cast<std::int64_t>(ids[l]);
    if (id < 0 || id >= plan.sequence_length || seen[static_cast<std::size_t>(id)] != 0) {
      bad = l;
      break;
    }
    seen[static_cast<std::size_t>(id)] = 1;
    if (id < plan.num_keep) {
      if (bytes > 0) std::memcpy(restored + l * plan.token_bytes, kept + id * plan.token_bytes, bytes);
    } else {
      Fill(restored + l * plan.token_bytes, 1, fill, plan.token_bytes);
    }
  }
  std::ranges::fill(seen, std::uint8_t{0});
  return bad;
}

// Calls visit(input_index, mask_index, count, mask_stride) for the rows of the
// input along its last dimension.
template <typename Visit>
void ForSelectRows(const SelectPlan& plan, const Visit& visit) {
  const std::int64_t total = CountOf(plan.shape);
  if (total == 0) return;
  const std::int64_t columns = plan.shape.empty() ? 1 : plan.shape.back();
  const std::int64_t stride = plan.shape.empty() ? 0 : plan.mask_strides.back();
  for (std::int64_t first = 0; first < total; first += columns) {
    std::int64_t row = first / columns;
    std::int64_t mask_index = 0;
    for (std::size_t d = plan.shape.empty() ? 0 : plan.shape.size() - 1; d-- > 0;) {
      mask_index += row % plan.shape[d] * plan.mask_strides[d];
      row /= plan.shape[d];
    }
    visit(first, mask_index, columns, stride);
  }
}

class CpuTensorOps final : public TensorOps {
 public:
  explicit CpuTensorOps(int num_threads) : threads_(num_threads) {}

  absl::Status Gather(const IndexPlan& plan, const std::byte* input, const std::byte* index,
                      std::byte* output) override {
    return GatherIndexed(plan, input, index, output, threads_);
  }

  absl::Status Scatter(const IndexPlan& plan, const std::byte* index, const std::byte* src,
                       std::byte* output) override {
    return ScatterIndexed(plan, index, src, output, threads_);
  }

  absl::Status ScatterAdd(const IndexPlan& plan, FloatType type, const std::byte* index, const std::byte* src,
                          std::byte* output) override {
    return ScatterAddIndexed(plan, type, index, src, output, threads_);
  }

  absl::Status RestoreTokens(const RestorePlan& plan, const std::byte* kept, const std::byte* ids_restore,
                             const std::byte* fill, std::byte* restored) override {
    switch (plan.ids_type) {
      case IdsType::kInt64:
        return Restore<std::int64_t>(plan, kept, ids_restore, fill, restored);
      case IdsType::kInt32:
        return Restore<std::int32_t>(plan, kept, ids_restore, fill, restored);
      case IdsType::kUint16:
        return Restore<std::uint16_t>(plan, kept, ids_restore, fill, restored);
    }
    return absl::InternalError("ids of an unknown type");
  }

  absl::StatusOr<std::int64_t> CountSelected(const SelectPlan& plan, const std::byte* mask) override {
    MASKD_RETURN_IF_ERROR(CountOnes(plan.mask_type, mask, plan.mask_count).status());
    std::int64_t count = 0;
    ForSelectRows(plan,
                  [&](std::int64_t, std::int64_t mask_index, std::int64_t columns, std::int64_t stride) {
                    for (std::int64_t i = 0; i < columns; ++i)
                      count += IsOne(plan.mask_type, mask, mask_index + i * stride) ? 1 : 0;
                  });
    return count;
  }

  absl::Status MaskedSelect(const SelectPlan& plan, const std::byte* input, const std::byte* mask,
                            std::byte* selected) override {
    const auto bytes = static_cast<std::size_t>(plan.element_bytes);
    ForSelectRows(
        plan, [&](std::int64_t first, std::int64_t mask_index, std::int64_t columns, std::int64_t stride) {
          for (std::int64_t i = 0; i < columns; ++i) {
            if (!IsOne(plan.mask_type, mask, mask_index + i * stride)) continue;
            std::memcpy(selected, input + (first + i) * plan.element_bytes, bytes);
            selected += plan.element_bytes;
          }
        });
    return absl::OkStatus();
  }

  absl::Status PadSequences(const PadPlan& plan, const std::byte* values, const std::byte* padding,
                            std::byte* padded, std::byte* mask) override {
    const auto sequences = static_cast<std::int64_t>(plan.lengths.size());
    std::vector<std::int64_t> starts(plan.lengths.size());
    for (std::size_t b = 1; b < starts.size(); ++b) starts[b] = starts[b - 1] + plan.lengths[b - 1];
    const std::int64_t row_elements = plan.row_bytes / plan.element_bytes;
    const auto range = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        const std::int64_t length = plan.lengths[static_cast<std::size_t>(b)];
        const std::byte* const sequence = values + starts[static_cast<std::size_t>(b)] * plan.row_bytes;
        for (std::int64_t t = 0; t < plan.padded_length; ++t) {
          const std::int64_t place = plan.time_major ? t * sequences + b : b * plan.padded_length + t;
          std::byte* const row = padded + place * plan.row_bytes;
          WriteMaskRow(plan.mask_type, mask, place, t < length);
          if (t >= length) {
            Fill(row, row_elements, padding, plan.element_bytes);
          } else if (plan.row_bytes > 0) {
            std::memcpy(row, sequence + t * plan.row_bytes, static_cast<std::size_t>(plan.row_bytes));
          }
        }
      }
    };
    threads_.ForRanges(sequences, GrainOf(plan.padded_length * plan.row_bytes), std::cref(range));
    return absl::OkStatus();
  }

  absl::StatusOr<MaskedMean> MaskedNllLoss(const NllPlan& plan, const std::byte* scores,
                                           const std::byte* target, const std::byte* mask) override {
    return NllLoss(plan, scores, target, mask, threads_);
  }

  absl::StatusOr<MaskedMean> MaskedReconstructionLoss(const ReconstructionPlan& plan,
                                                      const std::byte* prediction, const std::byte* target,
                                                      const std::byte* mask) override {
    return ReconstructionLoss(plan, prediction, target, mask, threads_);
  }

 private:
  template <typename Id>
  absl::Status Restore(const RestorePlan& plan, const std::byte* kept, const std::byte* ids_restore,
                       const std::byte* fill, std::byte* restored) {
    const auto* const ids = reinterpret_cast<const Id*>(ids_restore);
    FirstPlace first_bad;
    std::atomic<bool> out_of_memory = false;
    const std::int64_t kept_bytes = (plan.num_prefix + plan.num_keep) * plan.token_bytes;
    const std::int64_t restored_bytes = (plan.num_prefix + plan.sequence_length) * plan.token_bytes;
    const auto range = [&](std::int64_t begin, std::int64_t end) {
      try {
        std::vector<std::uint8_t> seen(static_cast<std::size_t>(plan.sequence_length));
        for (std::int64_t n = begin; n < end; ++n) {
          const std::int64_t bad =
              RestoreSequence(plan, kept + n * kept_bytes, ids + n * plan.sequence_length, fill,
                              restored + n * restored_bytes, std::span(seen));
          if (bad >= 0) first_bad.Note(n * plan.sequence_length + bad);
        }
      } catch (const std::bad_alloc&) {
        out_of_memory = true;
      }
    };
    threads_.ForRanges(plan.batch_size, GrainOf(restored_bytes), std::cref(range));
    if (out_of_memory) return absl::ResourceExhaustedError("no memory to restore tokens; send fewer");
    return IdsRestoreError(plan, ids_restore, first_bad.value());
  }

  ThreadPool threads_;
};

}  // namespace

std::unique_ptr<TensorOps> MakeCpuTensorOps(int num_threads) {
  return std::make_unique<CpuTensorOps>(ThreadsOrCores(num_threads));
}

}  // namespace maskd
