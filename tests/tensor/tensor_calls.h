// Calls of TensorOps on arrays that are aligned as little as it allows.
//
// Each fails the test if a byte beside what is written, or one of what is read,
// changes. `element_bytes` is that of a spec: rows of a plan are no better aligned
// than their elements.
#ifndef MASKD_TESTS_TENSOR_TENSOR_CALLS_H_
#define MASKD_TESTS_TENSOR_TENSOR_CALLS_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "kernels/tensor_ops.h"
#include "tests/tensor/array_bytes.h"

namespace maskd {

absl::StatusOr<Bytes> Gather(TensorOps& ops, const IndexPlan& plan, std::int64_t element_bytes,
                             const Bytes& input, const Bytes& index);

// What `input` became.
absl::StatusOr<Bytes> Scatter(TensorOps& ops, const IndexPlan& plan, std::int64_t element_bytes,
                              const Bytes& input, const Bytes& index, const Bytes& src);
absl::StatusOr<Bytes> ScatterAdd(TensorOps& ops, const IndexPlan& plan, FloatType type, const Bytes& input,
                                 const Bytes& index, const Bytes& src);

absl::StatusOr<Bytes> RestoreTokens(TensorOps& ops, const RestorePlan& plan, std::int64_t element_bytes,
                                    const Bytes& kept, const Bytes& ids_restore,
                                    const std::optional<Bytes>& fill);

// CountSelected, then MaskedSelect.
absl::StatusOr<Bytes> MaskedSelect(TensorOps& ops, const SelectPlan& plan, const Bytes& input,
                                   const Bytes& mask);

struct PaddedSequences {
  Bytes padded;
  Bytes mask;
};
PaddedSequences PadSequences(TensorOps& ops, const PadPlan& plan, const Bytes& values,
                             const std::optional<Bytes>& padding);

absl::StatusOr<MaskedMean> NllLoss(TensorOps& ops, const NllPlan& plan, const Bytes& scores,
                                   const Bytes& target, const Bytes& mask);
absl::StatusOr<MaskedMean> ReconstructionLoss(TensorOps& ops, const ReconstructionPlan& plan,
                                              const Bytes& prediction, const Bytes& target,
                                              const Bytes& mask);

}  // namespace maskd

#endif  // MASKD_TESTS_TENSOR_TENSOR_CALLS_H_
