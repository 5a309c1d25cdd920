#include "kernels/cuda/masked_calls.h"

#include <cuda_runtime_api.h>

#include <cstdint>
#include <vector>

#include "kernels/cpu/masked_losses.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/cuda/cuda_status.h"
#include "kernels/cuda/masked_losses.h"
#include "kernels/cuda/masked_select.h"
#include "kernels/float_bits.h"
#include "kernels/load_element.h"
#include "kernels/masking_plan.h"
#include "kernels/status_macros.h"
#include "kernels/value_errors.h"

namespace maskd {
namespace {

constexpr std::int64_t kPlaceBytes = sizeof(std::int64_t);
constexpr std::int64_t kTermBytes = sizeof(double);

std::int64_t BooleanBytes(BooleanType type) { return type == BooleanType::kUint8 ? 1 : 4; }

DeviceMask DeviceMaskOf(const SelectPlan& plan, const std::byte* values) {
  return {.values = values,
          .type = plan.mask_type,
          .mask_count = plan.mask_count,
          .count = CountOf(plan.shape),
          .places = StridedPlaces(plan.shape, plan.mask_strides)};
}

struct SelectArrays {
  DeviceArray mask;
  DeviceArray tile_starts;
  DeviceArray total;  // the last of tile_starts
  DeviceArray scratch;
};

absl::StatusOr<SelectArrays> AddSelectArrays(const SelectPlan& plan, DeviceCall& call) {
  const std::int64_t count = CountOf(plan.shape);
  std::size_t scratch_bytes = 0;
  MASKD_RETURN_IF_CUDA_ERROR("GetCountSelectedScratchBytes",
                             GetCountSelectedScratchBytes(count, &scratch_bytes));
  SelectArrays arrays;
  arrays.mask = call.Add(plan.mask_count * BooleanBytes(plan.mask_type));
  arrays.tile_starts = call.Add((SelectTiles(count) + 1) * kPlaceBytes);
  arrays.total = {arrays.tile_starts.offset + static_cast<std::size_t>(SelectTiles(count) * kPlaceBytes),
                  kPlaceBytes};
  arrays.scratch = call.Add(static_cast<std::int64_t>(scratch_bytes));
  return arrays;
}

absl::Status EnqueueCount(const SelectPlan& plan, const std::byte* mask, const SelectArrays& arrays,
                          DeviceCall& call) {
  MASKD_RETURN_IF_ERROR(call.CopyIn(arrays.mask, mask));
  MASKD_RETURN_IF_CUDA_ERROR(
      "LaunchCountSelected",
      LaunchCountSelected(DeviceMaskOf(plan, call.At(arrays.mask)), call.At(arrays.scratch),
                          static_cast<std::size_t>(arrays.scratch.bytes),
                          call.At<std::int64_t>(arrays.tile_starts), call.stream()));
  return absl::OkStatus();
}

// The mean of `terms` where the mask is 1, added in order.
MaskedMean MeanOf(const std::vector<double>& terms, BooleanType type, const std::byte* mask,
                  std::int64_t num_ones) {
  double sum = 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (IsOne(type, mask, static_cast<std::int64_t>(i))) sum += terms[i];
  }
  return {.loss = CanonicalNan(sum / static_cast<double>(num_ones)), .count = num_ones};
}

}  // namespace

absl::StatusOr<std::int64_t> CountSelectedOnDevice(DeviceCaller& device, const SelectPlan& plan,
                                                   const std::byte* mask) {
  std::int64_t first_bad = -1;
  std::int64_t count = 0;
  const auto work = [&](DeviceCall& call) -> absl::Status {
    const DeviceArray bad = call.Add(kPlaceBytes);
    MASKD_ASSIGN_OR_RETURN(const SelectArrays arrays, AddSelectArrays(plan, call));
    MASKD_RETURN_IF_ERROR(call.Reserve());
    MASKD_RETURN_IF_ERROR(EnqueueCount(plan, mask, arrays, call));
    MASKD_RETURN_IF_CUDA_ERROR("LaunchCheckMask", LaunchCheckMask(DeviceMaskOf(plan, call.At(arrays.mask)),
                                                                  call.At<std::int64_t>(bad), call.stream()));
    MASKD_RETURN_IF_ERROR(call.CopyOut(bad, &first_bad));
    return call.CopyOut(arrays.total, &count);
  };
  MASKD_RETURN_IF_ERROR(device.Run(work));
  MASKD_RETURN_IF_ERROR(MaskError(plan.mask_type, mask, first_bad));
  return count;
}

absl::Status MaskedSelectOnDevice(DeviceCaller& device, const SelectPlan& plan, const std::byte* input,
                                  const std::byte* mask, std::byte* selected) {
  std::int64_t count = 0;
  return device.Run([&](DeviceCall& call) -> absl::Status {
    MASKD_ASSIGN_OR_RETURN(const SelectArrays arrays, AddSelectArrays(plan, call));
    const DeviceArray from = call.Add(CountOf(plan.shape) * plan.element_bytes);
    DeviceArray to = call.Add(from.bytes);
    MASKD_RETURN_IF_ERROR(call.Reserve());
    MASKD_RETURN_IF_ERROR(EnqueueCount(plan, mask, arrays, call));
    MASKD_RETURN_IF_ERROR(call.CopyIn(from, input));
    MASKD_RETURN_IF_CUDA_ERROR("LaunchMaskedSelect",
                               LaunchMaskedSelect(DeviceMaskOf(plan, call.At(arrays.mask)),
                                                  call.At<std::int64_t>(arrays.tile_starts), call.At(from),
                                                  plan.element_bytes, call.At(to), call.stream()));
    MASKD_RETURN_IF_ERROR(call.CopyOut(arrays.total, &count));
    MASKD_RETURN_IF_ERROR(call.Synchronize());
    to.bytes = count * plan.element_bytes;
    return call.CopyOut(to, selected);
  });
}

absl::StatusOr<MaskedMean> NllLossOnDevice(DeviceCaller& device, const NllPlan& plan, const std::byte* scores,
                                           const std::byte* target, const std::byte* mask) {
  if (plan.kind != ScoreKind::kLogits) {
    // One score a position is read, and all would be copied.
    ThreadPool caller(1);
    return NllLoss(plan, scores, target, mask, caller);
  }
  MASKD_ASSIGN_OR_RETURN(const std::int64_t num_ones, CheckNllOperands(plan, target, mask));
  std::vector<double> terms(static_cast<std::size_t>(plan.positions));
  const auto work = [&](DeviceCall& call) -> absl::Status {
    const DeviceArray logits = call.Add(plan.positions * plan.num_classes * FloatBytes(plan.score_type));
    const DeviceArray classes = call.Add(plan.positions * IdBytes(plan.target_type));
    const DeviceArray ones = call.Add(plan.positions * BooleanBytes(plan.mask_type));
    const DeviceArray results = call.Add(plan.positions * kTermBytes);
    MASKD_RETURN_IF_ERROR(call.Reserve());
    MASKD_RETURN_IF_ERROR(call.CopyIn(logits, scores));
    MASKD_RETURN_IF_ERROR(call.CopyIn(classes, target));
    MASKD_RETURN_IF_ERROR(call.CopyIn(ones, mask));
    MASKD_RETURN_IF_CUDA_ERROR("LaunchNllTerms",
                               LaunchNllTerms(plan, call.At(logits), call.At(classes), call.At(ones),
                                              call.At<double>(results), call.stream()));
    return call.CopyOut(results, terms.data());
  };
  MASKD_RETURN_IF_ERROR(device.Run(work));
  return MeanOf(terms, plan.mask_type, mask, num_ones);
}

absl::StatusOr<MaskedMean> ReconstructionLossOnDevice(DeviceCaller& device, const ReconstructionPlan& plan,
                                                      const std::byte* prediction, const std::byte* target,
                                                      const std::byte* mask) {
  MASKD_ASSIGN_OR_RETURN(const std::int64_t num_ones, CheckReconstructionMask(plan, mask));
  const std::int64_t tokens = plan.batch_size * plan.sequence_length;
  std::vector<double> terms(static_cast<std::size_t>(tokens));
  const auto work = [&](DeviceCall& call) -> absl::Status {
    const DeviceArray predicted = call.Add(tokens * plan.token_size * FloatBytes(plan.prediction_type));
    const DeviceArray wanted = call.Add(plan.batch_size * plan.image_size * FloatBytes(plan.target_type));
    const DeviceArray ones = call.Add(tokens * BooleanBytes(plan.mask_type));
    const DeviceArray results = call.Add(tokens * kTermBytes);
    MASKD_RETURN_IF_ERROR(call.Reserve());
    MASKD_RETURN_IF_ERROR(call.CopyIn(predicted, prediction));
    MASKD_RETURN_IF_ERROR(call.CopyIn(wanted, target));
    MASKD_RETURN_IF_ERROR(call.CopyIn(ones, mask));
    MASKD_RETURN_IF_CUDA_ERROR("LaunchPatchErrors",
                               LaunchPatchErrors(plan, call.At(predicted), call.At(wanted), call.At(ones),
                                                 call.At<double>(results), call.stream()));
    return call.CopyOut(results, terms.data());
  };
  MASKD_RETURN_IF_ERROR(device.Run(work));
  return MeanOf(terms, plan.mask_type, mask, num_ones);
}

}  // namespace maskd
