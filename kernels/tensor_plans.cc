#include "kernels/tensor_plans.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "kernels/masking_plan.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

constexpr std::int64_t kMaxCount = std::int64_t{1} << 62;

// a * b, or -1 if one is or it is beyond kMaxCount.
std::int64_t Times(std::int64_t a, std::int64_t b) {
  if (a < 0 || b < 0) return -1;
  if (a != 0 && b > kMaxCount / a) return -1;
  return a * b;
}

absl::Status CheckShape(absl::string_view name, std::span<const std::int64_t> shape,
                        std::int64_t element_bytes) {
  if (shape.size() > kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " has ", shape.size(), " dimensions; it may have ", kMaxRank));
  }
  for (const std::int64_t size : shape) {
    if (size < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " has the shape ", ShapeName(shape), "; sizes are 0 or more"));
    }
  }
  if (Times(CountOf(shape), element_bytes) < 0) {
    return absl::InvalidArgumentError(absl::StrCat(name, " of shape ", ShapeName(shape), " and elements of ",
                                                   element_bytes, " bytes has more than 2^62 bytes"));
  }
  return absl::OkStatus();
}

absl::Status CheckElementBytes(std::int64_t element_bytes) {
  if (element_bytes >= 1 && element_bytes <= kMaxElementBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("elements have ", element_bytes, " bytes; they may have 1 to ", kMaxElementBytes));
}

absl::Status CheckSameShape(absl::string_view name, const Shape& shape, absl::string_view rule,
                            std::span<const std::int64_t> expected) {
  if (std::ranges::equal(shape, expected)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " has the shape ", ShapeName(shape), "; ", rule, ", ", ShapeName(expected)));
}

std::int64_t BooleanBytes(BooleanType type) { return type == BooleanType::kUint8 ? 1 : 4; }

}  // namespace

std::int64_t CountOf(std::span<const std::int64_t> shape) {
  // A size of 0 does not excuse the others.
  std::int64_t count = 1;
  bool empty = false;
  for (const std::int64_t size : shape) {
    if (size == 0) empty = true;
    count = Times(count, std::max<std::int64_t>(size, 1));
  }
  return count < 0 ? -1 : empty ? 0 : count;
}

std::string ShapeName(std::span<const std::int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

absl::StatusOr<IndexPlan> MakeIndexPlan(const IndexSpec& spec) {
  MASKD_RETURN_IF_ERROR(CheckElementBytes(spec.element_bytes));
  MASKD_RETURN_IF_ERROR(CheckShape("input", spec.input_shape, spec.element_bytes));
  MASKD_RETURN_IF_ERROR(CheckShape("index", spec.index_shape, IdBytes(spec.index_type)));
  const std::size_t input_rank = spec.input_shape.size();
  const std::size_t rank = spec.index_shape.size();
  if (input_rank == 0) return absl::InvalidArgumentError("input has no dimension; it needs one to index");
  if (spec.index_rank == 0 && rank != input_rank) {
    return absl::InvalidArgumentError(absl::StrCat(
        "index has the shape ", ShapeName(spec.index_shape), " and the input ", ShapeName(spec.input_shape),
        "; both need as many dimensions, unless index_rank says how many the index has"));
  }
  if (spec.index_rank != 0 &&
      (spec.index_rank < 1 || static_cast<std::size_t>(spec.index_rank) != rank || rank > input_rank)) {
    return absl::InvalidArgumentError(
        absl::StrCat("index_rank is ", spec.index_rank, ", the index has the shape ",
                     ShapeName(spec.index_shape), " and the input ", ShapeName(spec.input_shape),
                     "; index_rank is the number of dimensions of the index, 1 to that of the input"));
  }
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (spec.dim < -signed_rank || spec.dim >= signed_rank) {
    return absl::InvalidArgumentError(absl::StrCat("dim is ", spec.dim, "; an index of ", rank,
                                                   " dimensions has those from ", -signed_rank, " to ",
                                                   signed_rank - 1));
  }

  IndexPlan plan;
  plan.dim = static_cast<std::size_t>(spec.dim < 0 ? spec.dim + signed_rank : spec.dim);
  plan.input_shape.assign(spec.input_shape.begin(), spec.input_shape.begin() + signed_rank);
  plan.index_shape = spec.index_shape;
  plan.index_type = spec.index_type;
  const std::span row = std::span(spec.input_shape).subspan(rank);
  plan.element_bytes = spec.element_bytes * CountOf(row);
  plan.moved_shape = spec.index_shape;
  plan.moved_shape.insert(plan.moved_shape.end(), row.begin(), row.end());
  for (std::size_t d = 0; d < rank; ++d) {
    if (d == plan.dim || plan.index_shape[d] <= plan.input_shape[d]) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("index has the shape ", ShapeName(spec.index_shape), " and the input ",
                     ShapeName(spec.input_shape), "; in dimension ", d, ", which is not dim, ",
                     plan.index_shape[d], " is more than ", plan.input_shape[d]));
  }
  MASKD_RETURN_IF_ERROR(CheckShape("the output", plan.moved_shape, spec.element_bytes));
  plan.input_count = CountOf(plan.input_shape);
  plan.index_count = CountOf(plan.index_shape);
  return plan;
}

absl::Status IndexOutOfRange(const IndexPlan& plan, std::int64_t position, std::int64_t value) {
  Shape place(plan.index_shape.size());
  for (std::size_t d = place.size(); d-- > 0;) {
    place[d] = position % plan.index_shape[d];
    position /= plan.index_shape[d];
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "index", ShapeName(place), " is ", value, "; the input has size ", plan.input_shape[plan.dim],
      " along dim ", plan.dim, ", so it must be in [0, ", plan.input_shape[plan.dim], ")"));
}

absl::StatusOr<RestorePlan> MakeRestorePlan(const Shape& kept_shape, std::int64_t element_bytes,
                                            const Shape& ids_shape, IdsType ids_type,
                                            std::int64_t num_prefix) {
  MASKD_RETURN_IF_ERROR(CheckElementBytes(element_bytes));
  MASKD_RETURN_IF_ERROR(CheckShape("kept_tokens", kept_shape, element_bytes));
  MASKD_RETURN_IF_ERROR(CheckShape("ids_restore", ids_shape, IdBytes(ids_type)));
  if (kept_shape.size() < 2 || ids_shape.size() != 2 || kept_shape[0] != ids_shape[0]) {
    return absl::InvalidArgumentError(absl::StrCat("kept_tokens has the shape ", ShapeName(kept_shape),
                                                   " and ids_restore ", ShapeName(ids_shape),
                                                   "; they are [N, num_prefix + K, ..] and [N, L]"));
  }
  const std::int64_t length = ids_shape[1];
  if (length > kMaxSequenceLength) {
    return absl::InvalidArgumentError(absl::StrCat("ids_restore has the shape ", ShapeName(ids_shape),
                                                   "; a sequence has at most ", kMaxSequenceLength,
                                                   " tokens"));
  }
  if (ids_type == IdsType::kUint16 && length > 65536) {
    return absl::InvalidArgumentError(absl::StrCat("ids_restore is uint16 and has the shape ",
                                                   ShapeName(ids_shape),
                                                   "; 16 bits number at most 65536 tokens"));
  }
  if (num_prefix < 0 || num_prefix > kept_shape[1] || kept_shape[1] - num_prefix > length) {
    return absl::InvalidArgumentError(absl::StrCat(
        "num_prefix is ", num_prefix, ", kept_tokens has the shape ", ShapeName(kept_shape),
        " and ids_restore ", ShapeName(ids_shape), "; of num_prefix + K tokens, K is in [0, ", length, "]"));
  }
  const std::int64_t token_bytes = element_bytes * CountOf(std::span(kept_shape).subspan(2));
  const std::int64_t restored[] = {kept_shape[0], num_prefix + length, token_bytes};
  MASKD_RETURN_IF_ERROR(CheckShape("the restored batch in bytes", restored, 1));
  return RestorePlan{.batch_size = kept_shape[0],
                     .sequence_length = length,
                     .num_keep = kept_shape[1] - num_prefix,
                     .num_prefix = num_prefix,
                     .token_bytes = token_bytes,
                     .ids_type = ids_type};
}

absl::StatusOr<SelectPlan> MakeSelectPlan(const Shape& input_shape, std::int64_t element_bytes,
                                          const Shape& mask_shape, BooleanType mask_type) {
  MASKD_RETURN_IF_ERROR(CheckElementBytes(element_bytes));
  MASKD_RETURN_IF_ERROR(CheckShape("input", input_shape, element_bytes));
  MASKD_RETURN_IF_ERROR(CheckShape("mask", mask_shape, BooleanBytes(mask_type)));
  SelectPlan plan = {.shape = input_shape,
                     .mask_strides = std::vector<std::int64_t>(input_shape.size(), 0),
                     .mask_type = mask_type,
                     .mask_count = CountOf(mask_shape),
                     .element_bytes = element_bytes};
  bool fits = mask_shape.size() <= input_shape.size();
  std::int64_t stride = 1;
  for (std::size_t i = 1; fits && i <= mask_shape.size(); ++i) {
    const std::int64_t size = mask_shape[mask_shape.size() - i];
    const std::size_t d = input_shape.size() - i;
    fits = size == input_shape[d] || size == 1;
    plan.mask_strides[d] = size == 1 ? 0 : stride;
    stride *= size;
  }
  if (fits) return plan;
  return absl::InvalidArgumentError(absl::StrCat("mask has the shape ", ShapeName(mask_shape),
                                                 ", which does not broadcast to the input's, ",
                                                 ShapeName(input_shape)));
}

absl::StatusOr<PadPlan> MakePadPlan(const PadSpec& spec) {
  MASKD_RETURN_IF_ERROR(CheckElementBytes(spec.element_bytes));
  MASKD_RETURN_IF_ERROR(CheckShape("values", spec.values_shape, spec.element_bytes));
  if (spec.values_shape.empty() || spec.values_shape.size() == kMaxRank) {
    return absl::InvalidArgumentError(absl::StrCat("values has the shape ", ShapeName(spec.values_shape),
                                                   "; it has 1 to ", kMaxRank - 1,
                                                   " dimensions, the first over all steps of all sequences"));
  }
  if (spec.mask_type == MaskType::kPackedBits)
    return absl::InvalidArgumentError("mask_type is packed bits; pad_sequences has float32 and uint8");
  std::int64_t sum = 0;
  std::int64_t longest = 0;
  for (std::size_t b = 0; b < spec.lengths.size(); ++b) {
    const std::int64_t length = spec.lengths[b];
    if (length < 0 || length > spec.values_shape[0]) {
      return absl::InvalidArgumentError(absl::StrCat("lengths[", b, "] is ", length, "; it is in [0, ",
                                                     spec.values_shape[0], "], the steps of values"));
    }
    sum = std::min(sum + length, kMaxCount);
    longest = std::max(longest, length);
  }
  if (sum != spec.values_shape[0]) {
    return absl::InvalidArgumentError(absl::StrCat("lengths add up to ", sum, " and values has the shape ",
                                                   ShapeName(spec.values_shape), ", ", spec.values_shape[0],
                                                   " steps"));
  }
  if (spec.padded_length != 0 && spec.padded_length < longest) {
    return absl::InvalidArgumentError(
        absl::StrCat("padded_length is ", spec.padded_length, "; the longest sequence has ", longest));
  }
  const std::span step = std::span(spec.values_shape).subspan(1);
  PadPlan plan;
  plan.lengths = spec.lengths;
  plan.padded_length = spec.padded_length != 0 ? spec.padded_length : longest;
  plan.row_bytes = spec.element_bytes * CountOf(step);
  plan.element_bytes = spec.element_bytes;
  plan.time_major = spec.time_major;
  plan.mask_type = spec.mask_type;
  plan.mask_shape = {static_cast<std::int64_t>(spec.lengths.size()), plan.padded_length};
  if (spec.time_major) std::swap(plan.mask_shape[0], plan.mask_shape[1]);
  plan.padded_shape = plan.mask_shape;
  plan.padded_shape.insert(plan.padded_shape.end(), step.begin(), step.end());
  MASKD_RETURN_IF_ERROR(CheckShape("the padded batch", plan.padded_shape, spec.element_bytes));
  MASKD_RETURN_IF_ERROR(CheckShape("the mask", plan.mask_shape, 4));
  if (4 * CountOf(plan.mask_shape) > kMaxCount - spec.element_bytes * CountOf(plan.padded_shape)) {
    return absl::InvalidArgumentError(absl::StrCat("the padded batch of the shape ",
                                                   ShapeName(plan.padded_shape),
                                                   " and its mask have more than 2^62 bytes"));
  }
  return plan;
}

absl::StatusOr<NllPlan> MakeNllPlan(const Shape& scores_shape, FloatType score_type, ScoreKind kind,
                                    const Shape& target_shape, IdsType target_type, const Shape& mask_shape,
                                    BooleanType mask_type) {
  MASKD_RETURN_IF_ERROR(CheckShape("scores", scores_shape, FloatBytes(score_type)));
  MASKD_RETURN_IF_ERROR(CheckShape("target", target_shape, IdBytes(target_type)));
  MASKD_RETURN_IF_ERROR(CheckShape("mask", mask_shape, BooleanBytes(mask_type)));
  if (scores_shape.empty() || scores_shape.back() == 0) {
    return absl::InvalidArgumentError(absl::StrCat("scores has the shape ", ShapeName(scores_shape),
                                                   "; its last dimension is the classes, 1 or more"));
  }
  const std::span positions = std::span(scores_shape).first(scores_shape.size() - 1);
  MASKD_RETURN_IF_ERROR(
      CheckSameShape("target", target_shape, "it is that of scores without the classes", positions));
  MASKD_RETURN_IF_ERROR(
      CheckSameShape("mask", mask_shape, "it is that of scores without the classes", positions));
  return NllPlan{.positions = CountOf(positions),
                 .num_classes = scores_shape.back(),
                 .kind = kind,
                 .score_type = score_type,
                 .target_type = target_type,
                 .mask_type = mask_type};
}

namespace {

// The place of patches in an image, and the check that there are L of them.
absl::Status LayOutImage(const ReconstructionSpec& spec, ReconstructionPlan& plan) {
  const Shape& shape = spec.target_shape;
  const bool first = spec.target_layout == ImageLayout::kChannelsFirst;
  const absl::string_view letters = first ? "[N, C, H, W]" : "[N, H, W, C]";
  if (shape.size() != 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("target has the shape ", ShapeName(shape), "; an image is ", letters));
  }
  const std::int64_t channels = shape[first ? 1 : 3];
  const std::int64_t height = shape[first ? 2 : 1];
  const std::int64_t width = shape[first ? 3 : 2];
  const std::int64_t side = spec.patch_size;
  if (side < 1 || side > std::max(height, width) || height % side != 0 || width % side != 0) {
    return absl::InvalidArgumentError(absl::StrCat("patch_size is ", side, " and target, ", letters,
                                                   ", has the shape ", ShapeName(shape),
                                                   "; patch_size divides H and W"));
  }
  const std::int64_t length = height / side * (width / side);
  const std::int64_t expected[] = {shape[0], length, side * side * channels};
  MASKD_RETURN_IF_ERROR(CheckSameShape("prediction", spec.prediction_shape,
                                       absl::StrCat("it is that of target in patches of ", side), expected));
  plan.patch_size = side;
  plan.channels = channels;
  plan.patches_a_row = width / side;
  plan.image_size = channels * height * width;
  plan.channel_stride = first ? height * width : 1;
  plan.row_stride = first ? width : width * channels;
  plan.column_stride = first ? 1 : channels;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ReconstructionPlan> MakeReconstructionPlan(const ReconstructionSpec& spec) {
  const Shape& shape = spec.prediction_shape;
  MASKD_RETURN_IF_ERROR(CheckShape("prediction", shape, FloatBytes(spec.prediction_type)));
  MASKD_RETURN_IF_ERROR(CheckShape("target", spec.target_shape, FloatBytes(spec.target_type)));
  MASKD_RETURN_IF_ERROR(CheckShape("mask", spec.mask_shape, BooleanBytes(spec.mask_type)));
  if (shape.size() != 3 || shape[2] == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("prediction has the shape ", ShapeName(shape), "; it is [N, L, P], P being 1 or more"));
  }
  MASKD_RETURN_IF_ERROR(
      CheckSameShape("mask", spec.mask_shape, "it is [N, L] of prediction", std::span(shape).first(2)));
  if (spec.normalize_target && shape[2] < 2) {
    return absl::InvalidArgumentError(absl::StrCat("prediction has the shape ", ShapeName(shape),
                                                   "; normalize_target needs 2 elements or more a patch"));
  }
  ReconstructionPlan plan = {};
  plan.batch_size = shape[0];
  plan.sequence_length = shape[1];
  plan.token_size = shape[2];
  plan.prediction_type = spec.prediction_type;
  plan.target_type = spec.target_type;
  plan.mask_type = spec.mask_type;
  plan.normalize_target = spec.normalize_target;
  if (spec.target_layout == ImageLayout::kTokens) {
    MASKD_RETURN_IF_ERROR(CheckSameShape("target", spec.target_shape, "it is that of prediction", shape));
    plan.image_size = plan.sequence_length * plan.token_size;
  } else {
    MASKD_RETURN_IF_ERROR(LayOutImage(spec, plan));
  }
  return plan;
}

}  // namespace maskd
