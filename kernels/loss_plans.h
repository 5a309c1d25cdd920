// The plans of the losses, and the types of numbers: plain, for host and device.
// MakeNllPlan and MakeReconstructionPlan (tensor_plans.h) make them.
#ifndef MASKD_KERNELS_LOSS_PLANS_H_
#define MASKD_KERNELS_LOSS_PLANS_H_

#include <cstdint>

#include "kernels/host_device.h"
#include "kernels/masking_spec.h"

namespace maskd {

enum class FloatType { kFloat32, kFloat16, kBfloat16, kFloat64 };

MASKD_HOST_DEVICE inline std::int64_t FloatBytes(FloatType type) {
  switch (type) {
    case FloatType::kFloat32:
      return 4;
    case FloatType::kFloat16:
    case FloatType::kBfloat16:
      return 2;
    case FloatType::kFloat64:
      return 8;
  }
  return 0;
}

enum class BooleanType { kUint8, kFloat32 };  // 0 or 1

enum class ScoreKind { kProbabilities, kLogProbabilities, kLogits };

struct NllPlan {
  std::int64_t positions;
  std::int64_t num_classes;  // V
  ScoreKind kind;
  FloatType score_type;
  IdsType target_type;
  BooleanType mask_type;
};

enum class ImageLayout { kTokens, kChannelsFirst, kChannelsLast };

struct ReconstructionPlan {
  std::int64_t batch_size;       // N
  std::int64_t sequence_length;  // L
  std::int64_t token_size;       // P, in elements
  FloatType prediction_type;
  FloatType target_type;
  BooleanType mask_type;
  bool normalize_target;
  // Of an image; 0 for tokens. Strides in elements.
  std::int64_t patch_size;
  std::int64_t channels;
  std::int64_t patches_a_row;
  std::int64_t image_size;  // of a sample
  std::int64_t channel_stride;
  std::int64_t row_stride;
  std::int64_t column_stride;

  // Where element p of token l is in a sample of the target.
  MASKD_HOST_DEVICE std::int64_t TargetIndex(std::int64_t l, std::int64_t p) const {
    if (patch_size == 0) return l * token_size + p;
    const std::int64_t row = l / patches_a_row * patch_size + p / channels / patch_size;
    const std::int64_t column = l % patches_a_row * patch_size + p / channels % patch_size;
    return p % channels * channel_stride + row * row_stride + column * column_stride;
  }
};

// A mean, and of how many.
struct MaskedMean {
  double loss = 0;
  std::int64_t count = 0;
};

}  // namespace maskd

#endif  // MASKD_KERNELS_LOSS_PLANS_H_
