// Checked tensor operations: every shape in range, every size computed.
//
// The operations are those of torch that masked training needs, with what torch
// leaves undefined defined (docs/semantics.md, sections 5 and 6). Shapes have up to
// kMaxRank sizes, row-major; a size may be 0. Errors name the argument, its value
// and the rule, as INVALID_ARGUMENT.
#ifndef MASKD_KERNELS_TENSOR_PLANS_H_
#define MASKD_KERNELS_TENSOR_PLANS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/loss_plans.h"
#include "kernels/masking_spec.h"

namespace maskd {

inline constexpr std::size_t kMaxRank = 8;

using Shape = std::vector<std::int64_t>;

// Number of elements, or their bytes. -1 if that is beyond 2^62.
std::int64_t CountOf(std::span<const std::int64_t> shape);

// "[2, 3]".
std::string ShapeName(std::span<const std::int64_t> shape);

// gather and scatter: element i of `index` is the place along `dim` of element i
// of the output (gather) or of src (scatter); its other places are its own.
struct IndexSpec {
  Shape input_shape;
  Shape index_shape;
  // Negative: counted from the end of the index.
  std::int64_t dim = 0;
  IdsType index_type = IdsType::kInt64;
  // Of the input, 1 to 16.
  std::int64_t element_bytes = 0;
  // 0: the index has as many sizes as the input. Else the sizes it must have: it
  // is constant along the others, and whole rows of them move.
  std::int64_t index_rank = 0;
};

// Made by MakeIndexPlan alone. Rows are elements here: what the index does not
// reach of the input has become a part of element_bytes.
struct IndexPlan {
  Shape input_shape;  // as many sizes as index_shape
  Shape index_shape;
  std::size_t dim;
  IdsType index_type;
  std::int64_t element_bytes;
  // Elements before `dim`, along it, and after it.
  std::int64_t input_count;
  std::int64_t index_count;
  Shape moved_shape;  // of the output of gather, of src of scatter

  std::int64_t input_bytes() const { return input_count * element_bytes; }
  std::int64_t moved_bytes() const { return index_count * element_bytes; }
};

absl::StatusOr<IndexPlan> MakeIndexPlan(const IndexSpec& spec);

// The error of an index that is not in [0, size).
absl::Status IndexOutOfRange(const IndexPlan& plan, std::int64_t position, std::int64_t value);

// restore_tokens: puts [N, P + K, D] kept tokens back, P prefix tokens in front.
struct RestorePlan {
  std::int64_t batch_size;       // N
  std::int64_t sequence_length;  // L
  std::int64_t num_keep;         // K
  std::int64_t num_prefix;       // P
  std::int64_t token_bytes;
  IdsType ids_type;

  std::int64_t kept_bytes() const { return batch_size * (num_prefix + num_keep) * token_bytes; }
  std::int64_t restored_bytes() const { return batch_size * (num_prefix + sequence_length) * token_bytes; }
};

// `kept_shape` is [N, P + K, ..], `ids_shape` [N, L].
absl::StatusOr<RestorePlan> MakeRestorePlan(const Shape& kept_shape, std::int64_t element_bytes,
                                            const Shape& ids_shape, IdsType ids_type,
                                            std::int64_t num_prefix);

// masked_select: the mask is broadcast to the input as torch and numpy do.
struct SelectPlan {
  Shape shape;                             // of the input
  std::vector<std::int64_t> mask_strides;  // in elements; 0 where it is broadcast
  BooleanType mask_type;
  std::int64_t mask_count;
  std::int64_t element_bytes;
};

absl::StatusOr<SelectPlan> MakeSelectPlan(const Shape& input_shape, std::int64_t element_bytes,
                                          const Shape& mask_shape, BooleanType mask_type);

// pad_sequences: B sequences, one behind the other in [sum of lengths, ..],
// to [B, T, ..] (batch major) or [T, B, ..].
struct PadSpec {
  Shape values_shape = {};
  std::int64_t element_bytes = 0;
  std::vector<std::int64_t> lengths = {};  // [B]
  bool time_major = false;
  std::int64_t padded_length = 0;  // T; 0: the longest
  MaskType mask_type = MaskType::kFloat32;
};

struct PadPlan {
  std::vector<std::int64_t> lengths;
  std::int64_t padded_length;
  std::int64_t row_bytes;  // of one step of a sequence
  std::int64_t element_bytes;
  bool time_major;
  MaskType mask_type;  // not packed bits
  Shape padded_shape;
  Shape mask_shape;  // the first two of padded_shape
};

absl::StatusOr<PadPlan> MakePadPlan(const PadSpec& spec);

// masked_nll_loss: scores [.., V], target and mask [..].
absl::StatusOr<NllPlan> MakeNllPlan(const Shape& scores_shape, FloatType score_type, ScoreKind kind,
                                    const Shape& target_shape, IdsType target_type, const Shape& mask_shape,
                                    BooleanType mask_type);

// masked_reconstruction_loss: prediction [N, L, P], target the same or an image
// that patchify makes it of, mask [N, L] with 1 for a removed token.
struct ReconstructionSpec {
  Shape prediction_shape = {};
  FloatType prediction_type = FloatType::kFloat32;
  Shape target_shape = {};
  FloatType target_type = FloatType::kFloat32;
  ImageLayout target_layout = ImageLayout::kTokens;
  std::int64_t patch_size = 0;  // of an image
  Shape mask_shape = {};
  BooleanType mask_type = BooleanType::kFloat32;
  bool normalize_target = false;
};

absl::StatusOr<ReconstructionPlan> MakeReconstructionPlan(const ReconstructionSpec& spec);

}  // namespace maskd

#endif  // MASKD_KERNELS_TENSOR_PLANS_H_
