#include "tests/tensor/tensor_calls.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "kernels/masking_plan.h"
#include "tests/contract/guarded_bytes.h"

namespace maskd {
namespace {

// What TensorOps asks for, and not more.
std::int64_t AlignmentOf(std::int64_t element_bytes) {
  return std::min<std::int64_t>(element_bytes & -element_bytes, 8);
}

class ReadArray {
 public:
  ReadArray(const Bytes& bytes, std::int64_t element_bytes)
      : bytes_(bytes), placed_(static_cast<std::int64_t>(bytes.size()), AlignmentOf(element_bytes)) {
    std::copy(bytes.begin(), bytes.end(), placed_.data());
  }
  ~ReadArray() { EXPECT_TRUE(placed_.Copy() == bytes_) << "an array that is read was written"; }

  const std::byte* data() { return placed_.data(); }

 private:
  const Bytes& bytes_;
  GuardedBytes placed_;
};

class WrittenArray {
 public:
  WrittenArray(std::int64_t size, std::int64_t element_bytes) : placed_(size, AlignmentOf(element_bytes)) {}
  WrittenArray(const Bytes& bytes, std::int64_t element_bytes)
      : WrittenArray(static_cast<std::int64_t>(bytes.size()), element_bytes) {
    std::copy(bytes.begin(), bytes.end(), placed_.data());
  }
  ~WrittenArray() { placed_.ExpectGuardsIntact("the result"); }

  std::byte* data() { return placed_.data(); }

  Bytes Copy() const { return placed_.Copy(); }

  absl::StatusOr<Bytes> CopyIf(const absl::Status& status) const {
    if (!status.ok()) return status;
    return Copy();
  }

 private:
  GuardedBytes placed_;
};

std::int64_t BooleanBytes(BooleanType type) { return type == BooleanType::kUint8 ? 1 : 4; }

}  // namespace

absl::StatusOr<Bytes> Gather(TensorOps& ops, const IndexPlan& plan, std::int64_t element_bytes,
                             const Bytes& input, const Bytes& index) {
  ReadArray read_input(input, element_bytes);
  ReadArray read_index(index, IdBytes(plan.index_type));
  WrittenArray output(plan.moved_bytes(), element_bytes);
  return output.CopyIf(ops.Gather(plan, read_input.data(), read_index.data(), output.data()));
}

absl::StatusOr<Bytes> Scatter(TensorOps& ops, const IndexPlan& plan, std::int64_t element_bytes,
                              const Bytes& input, const Bytes& index, const Bytes& src) {
  ReadArray read_index(index, IdBytes(plan.index_type));
  ReadArray read_src(src, element_bytes);
  WrittenArray output(input, element_bytes);
  return output.CopyIf(ops.Scatter(plan, read_index.data(), read_src.data(), output.data()));
}

absl::StatusOr<Bytes> ScatterAdd(TensorOps& ops, const IndexPlan& plan, FloatType type, const Bytes& input,
                                 const Bytes& index, const Bytes& src) {
  ReadArray read_index(index, IdBytes(plan.index_type));
  ReadArray read_src(src, FloatBytes(type));
  WrittenArray output(input, FloatBytes(type));
  return output.CopyIf(ops.ScatterAdd(plan, type, read_index.data(), read_src.data(), output.data()));
}

absl::StatusOr<Bytes> RestoreTokens(TensorOps& ops, const RestorePlan& plan, std::int64_t element_bytes,
                                    const Bytes& kept, const Bytes& ids_restore,
                                    const std::optional<Bytes>& fill) {
  ReadArray read_kept(kept, element_bytes);
  ReadArray read_ids(ids_restore, IdBytes(plan.ids_type));
  const Bytes filling = fill.value_or(Bytes());
  ReadArray read_fill(filling, element_bytes);
  WrittenArray restored(plan.restored_bytes(), element_bytes);
  return restored.CopyIf(ops.RestoreTokens(plan, read_kept.data(), read_ids.data(),
                                           fill.has_value() ? read_fill.data() : nullptr, restored.data()));
}

absl::StatusOr<Bytes> MaskedSelect(TensorOps& ops, const SelectPlan& plan, const Bytes& input,
                                   const Bytes& mask) {
  ReadArray read_input(input, plan.element_bytes);
  ReadArray read_mask(mask, BooleanBytes(plan.mask_type));
  const absl::StatusOr<std::int64_t> count = ops.CountSelected(plan, read_mask.data());
  if (!count.ok()) return count.status();
  WrittenArray selected(*count * plan.element_bytes, plan.element_bytes);
  return selected.CopyIf(ops.MaskedSelect(plan, read_input.data(), read_mask.data(), selected.data()));
}

PaddedSequences PadSequences(TensorOps& ops, const PadPlan& plan, const Bytes& values,
                             const std::optional<Bytes>& padding) {
  ReadArray read_values(values, plan.element_bytes);
  const Bytes element = padding.value_or(Bytes());
  ReadArray read_padding(element, plan.element_bytes);
  WrittenArray padded(CountOf(plan.padded_shape) * plan.element_bytes, plan.element_bytes);
  const std::int64_t mask_bytes = plan.mask_type == MaskType::kUint8 ? 1 : 4;
  WrittenArray mask(CountOf(plan.mask_shape) * mask_bytes, mask_bytes);
  const absl::Status status =
      ops.PadSequences(plan, read_values.data(), padding.has_value() ? read_padding.data() : nullptr,
                       padded.data(), mask.data());
  EXPECT_TRUE(status.ok()) << status;
  return {padded.Copy(), mask.Copy()};
}

absl::StatusOr<MaskedMean> NllLoss(TensorOps& ops, const NllPlan& plan, const Bytes& scores,
                                   const Bytes& target, const Bytes& mask) {
  ReadArray read_scores(scores, FloatBytes(plan.score_type));
  ReadArray read_target(target, IdBytes(plan.target_type));
  ReadArray read_mask(mask, BooleanBytes(plan.mask_type));
  return ops.MaskedNllLoss(plan, read_scores.data(), read_target.data(), read_mask.data());
}

absl::StatusOr<MaskedMean> ReconstructionLoss(TensorOps& ops, const ReconstructionPlan& plan,
                                              const Bytes& prediction, const Bytes& target,
                                              const Bytes& mask) {
  ReadArray read_prediction(prediction, FloatBytes(plan.prediction_type));
  ReadArray read_target(target, FloatBytes(plan.target_type));
  ReadArray read_mask(mask, BooleanBytes(plan.mask_type));
  return ops.MaskedReconstructionLoss(plan, read_prediction.data(), read_target.data(), read_mask.data());
}

}  // namespace maskd
