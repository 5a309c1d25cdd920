// The definition of docs/semantics.md, sections 5 and 6, in plain loops.
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/float_bits.h"
#include "kernels/float_types.h"
#include "kernels/load_element.h"
#include "kernels/reference_elements.h"
#include "kernels/reference_losses.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_ops.h"

namespace maskd {
namespace {

// Counts through the places of a shape in row-major order.
class Odometer {
 public:
  explicit Odometer(const Shape& shape) : shape_(shape), place_(shape.size()) {}

  const Shape& place() const { return place_; }

  void Next() {
    for (std::size_t d = shape_.size(); d-- > 0;) {
      if (++place_[d] < shape_[d]) return;
      place_[d] = 0;
    }
  }

 private:
  const Shape shape_;
  Shape place_;
};

void StoreFloat(FloatType type, double value, std::byte* base, std::int64_t i) {
  const auto narrow = static_cast<float>(value);
  switch (type) {
    case FloatType::kFloat32:
      return Store(narrow, base, i);
    case FloatType::kFloat16:
      return Store(HalfOfFloat(narrow), base, i);
    case FloatType::kBfloat16:
      return Store(Bfloat16OfFloat(narrow), base, i);
    case FloatType::kFloat64:
      return Store(value, base, i);
  }
}

// Moves `bytes` bytes, from row j to row i.
void CopyRow(const std::byte* from, std::int64_t j, std::byte* to, std::int64_t i, std::int64_t bytes) {
  if (bytes > 0) std::memcpy(to + i * bytes, from + j * bytes, static_cast<std::size_t>(bytes));
}

// Row i of `to` becomes `row`, or zeros if that is null.
void FillRow(const std::byte* row, std::byte* to, std::int64_t i, std::int64_t bytes) {
  if (row != nullptr) return CopyRow(row, 0, to, i, bytes);
  if (bytes > 0) std::memset(to + i * bytes, 0, static_cast<std::size_t>(bytes));
}

// Calls visit(i, j) for each i of the index, j being what it addresses of the
// input.
template <typename Visit>
absl::Status ForIndex(const IndexPlan& plan, const std::byte* index, const Visit& visit) {
  Odometer odometer(plan.index_shape);
  for (std::int64_t i = 0; i < plan.index_count; ++i, odometer.Next()) {
    const std::int64_t value = LoadId(plan.index_type, index, i);
    if (value < 0 || value >= plan.input_shape[plan.dim]) return IndexOutOfRange(plan, i, value);
    Shape place = odometer.place();
    place[plan.dim] = value;
    std::int64_t j = 0;
    for (std::size_t d = 0; d < place.size(); ++d) j = j * plan.input_shape[d] + place[d];
    visit(i, j);
  }
  return absl::OkStatus();
}

// Sums in Sum, which is rounded to `type` at the end, where anything was added.
template <typename Sum>
absl::Status AddInSumType(const IndexPlan& plan, FloatType type, const std::byte* index, const std::byte* src,
                          std::byte* output) {
  const std::int64_t row = plan.element_bytes / FloatBytes(type);
  const std::int64_t count = plan.input_count * row;
  std::vector<Sum> sums;
  for (std::int64_t p = 0; p < count; ++p) sums.push_back(static_cast<Sum>(LoadFloat(type, output, p)));
  std::vector<bool> is_changed(sums.size());
  MASKD_RETURN_IF_ERROR(ForIndex(plan, index, [&](std::int64_t i, std::int64_t j) {
    for (std::int64_t e = 0; e < row; ++e) {
      const auto p = static_cast<std::size_t>(j * row + e);
      sums[p] = CanonicalNan(sums[p] + static_cast<Sum>(LoadFloat(type, src, i * row + e)));
      is_changed[p] = true;
    }
  }));
  for (std::int64_t p = 0; p < count; ++p) {
    const auto place = static_cast<std::size_t>(p);
    if (is_changed[place]) StoreFloat(type, static_cast<double>(sums[place]), output, p);
  }
  return absl::OkStatus();
}

class ReferenceTensorOps final : public TensorOps {
 public:
  absl::Status Gather(const IndexPlan& plan, const std::byte* input, const std::byte* index,
                      std::byte* output) override {
    return ForIndex(plan, index, [&](std::int64_t i, std::int64_t j) {
      CopyRow(input, j, output, i, plan.element_bytes);
    });
  }

  absl::Status Scatter(const IndexPlan& plan, const std::byte* index, const std::byte* src,
                       std::byte* output) override {
    return ForIndex(plan, index,
                    [&](std::int64_t i, std::int64_t j) { CopyRow(src, i, output, j, plan.element_bytes); });
  }

  absl::Status ScatterAdd(const IndexPlan& plan, FloatType type, const std::byte* index, const std::byte* src,
                          std::byte* output) override {
    if (type == FloatType::kFloat64) return AddInSumType<double>(plan, type, index, src, output);
    return AddInSumType<float>(plan, type, index, src, output);
  }

  absl::Status RestoreTokens(const RestorePlan& plan, const std::byte* kept, const std::byte* ids_restore,
                             const std::byte* fill, std::byte* restored) override {
    const std::int64_t L = plan.sequence_length;
    const std::int64_t K = plan.num_keep;
    const std::int64_t P = plan.num_prefix;
    for (std::int64_t n = 0; n < plan.batch_size; ++n) {
      for (std::int64_t p = 0; p < P; ++p) {
        CopyRow(kept, n * (P + K) + p, restored, n * (P + L) + p, plan.token_bytes);
      }
      std::vector<bool> is_taken(static_cast<std::size_t>(L));
      for (std::int64_t l = 0; l < L; ++l) {
        const std::int64_t id = LoadId(plan.ids_type, ids_restore, n * L + l);
        if (id < 0 || id >= L || is_taken[static_cast<std::size_t>(id)]) {
          return absl::InvalidArgumentError(absl::StrCat("ids_restore: [", n, ", ", l, "] is ", id,
                                                         "; each row must be a permutation of the ids below ",
                                                         L));
        }
        is_taken[static_cast<std::size_t>(id)] = true;
        const std::int64_t row = n * (P + L) + P + l;
        if (id < K) {
          CopyRow(kept, n * (P + K) + P + id, restored, row, plan.token_bytes);
        } else {
          FillRow(fill, restored, row, plan.token_bytes);
        }
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::int64_t> CountSelected(const SelectPlan& plan, const std::byte* mask) override {
    for (std::int64_t i = 0; i < plan.mask_count; ++i) {
      MASKD_RETURN_IF_ERROR(CheckMask(plan.mask_type, mask, i));
    }
    std::int64_t count = 0;
    ForSelected(plan, mask, [&](std::int64_t) { ++count; });
    return count;
  }

  absl::Status MaskedSelect(const SelectPlan& plan, const std::byte* input, const std::byte* mask,
                            std::byte* selected) override {
    std::int64_t count = 0;
    ForSelected(plan, mask,
                [&](std::int64_t i) { CopyRow(input, i, selected, count++, plan.element_bytes); });
    return absl::OkStatus();
  }

  absl::Status PadSequences(const PadPlan& plan, const std::byte* values, const std::byte* padding,
                            std::byte* padded, std::byte* mask) override {
    const auto B = static_cast<std::int64_t>(plan.lengths.size());
    const std::int64_t T = plan.padded_length;
    const std::int64_t row_elements = plan.row_bytes / plan.element_bytes;
    std::int64_t first = 0;  // step of values
    for (std::int64_t b = 0; b < B; ++b) {
      const std::int64_t length = plan.lengths[static_cast<std::size_t>(b)];
      for (std::int64_t t = 0; t < T; ++t) {
        const std::int64_t step = plan.time_major ? t * B + b : b * T + t;
        const bool is_real = t < length;
        if (is_real) {
          CopyRow(values, first + t, padded, step, plan.row_bytes);
        } else {
          for (std::int64_t e = 0; e < row_elements; ++e) {
            FillRow(padding, padded, step * row_elements + e, plan.element_bytes);
          }
        }
        if (plan.mask_type == MaskType::kFloat32) {
          Store(is_real ? 1.0f : 0.0f, mask, step);
        } else {
          Store(std::uint8_t{is_real}, mask, step);
        }
      }
      first += length;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<MaskedMean> MaskedNllLoss(const NllPlan& plan, const std::byte* scores,
                                           const std::byte* target, const std::byte* mask) override {
    return ReferenceNllLoss(plan, scores, target, mask);
  }

  absl::StatusOr<MaskedMean> MaskedReconstructionLoss(const ReconstructionPlan& plan,
                                                      const std::byte* prediction, const std::byte* target,
                                                      const std::byte* mask) override {
    return ReferenceReconstructionLoss(plan, prediction, target, mask);
  }

 private:
  // Calls visit(i) for each element i of the input that the mask selects.
  template <typename Visit>
  static void ForSelected(const SelectPlan& plan, const std::byte* mask, const Visit& visit) {
    Odometer odometer(plan.shape);
    for (std::int64_t i = 0; i < CountOf(plan.shape); ++i, odometer.Next()) {
      std::int64_t m = 0;
      for (std::size_t d = 0; d < plan.shape.size(); ++d) m += odometer.place()[d] * plan.mask_strides[d];
      if (IsOne(plan.mask_type, mask, m)) visit(i);
    }
  }
};

}  // namespace

std::unique_ptr<TensorOps> MakeReferenceTensorOps() { return std::make_unique<ReferenceTensorOps>(); }

}  // namespace maskd
