#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/cuda/cuda_status.h"
#include "kernels/cuda/device_call.h"
#include "kernels/cuda/indexed_calls.h"
#include "kernels/cuda/masked_calls.h"
#include "kernels/cuda/open_device.h"
#include "kernels/cuda/pad_sequences.h"
#include "kernels/cuda/restore_tokens.h"
#include "kernels/masking_plan.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_ops.h"
#include "kernels/value_errors.h"

namespace maskd {
namespace {

constexpr std::int64_t kPlaceBytes = sizeof(std::int64_t);

class CudaTensorOps final : public TensorOps {
 public:
  explicit CudaTensorOps(int ordinal) : device_(ordinal) {}

  absl::Status Gather(const IndexPlan& plan, const std::byte* input, const std::byte* index,
                      std::byte* output) override {
    return GatherOnDevice(device_, plan, input, index, output);
  }

  absl::Status Scatter(const IndexPlan& plan, const std::byte* index, const std::byte* src,
                       std::byte* output) override {
    return ScatterOnDevice(device_, plan, index, src, output);
  }

  absl::Status ScatterAdd(const IndexPlan& plan, FloatType type, const std::byte* index, const std::byte* src,
                          std::byte* output) override {
    return ScatterAddOnDevice(device_, plan, type, index, src, output);
  }

  absl::Status RestoreTokens(const RestorePlan& plan, const std::byte* kept, const std::byte* ids_restore,
                             const std::byte* fill, std::byte* restored) override {
    if (plan.batch_size == 0) return absl::OkStatus();
    std::int64_t first_bad = -1;
    const std::int64_t num_ids = plan.batch_size * plan.sequence_length;
    const auto work = [&](DeviceCall& call) -> absl::Status {
      const DeviceArray bad = call.Add(kPlaceBytes);
      const DeviceArray ids = call.Add(num_ids * IdBytes(plan.ids_type));
      const DeviceArray first_tokens = call.Add(num_ids * static_cast<std::int64_t>(sizeof(std::uint32_t)));
      const DeviceArray from = call.Add(plan.kept_bytes());
      const DeviceArray filling = call.Add(fill == nullptr ? 0 : plan.token_bytes);
      const DeviceArray to = call.Add(plan.restored_bytes());
      MASKD_RETURN_IF_ERROR(call.Reserve());
      MASKD_RETURN_IF_ERROR(call.CopyIn(ids, ids_restore));
      MASKD_RETURN_IF_ERROR(call.CopyIn(from, kept));
      MASKD_RETURN_IF_ERROR(call.CopyIn(filling, fill));
      const CheckPermutations check = {.ids = call.At(ids),
                                       .first_tokens = call.At<std::uint32_t>(first_tokens),
                                       .first_bad = call.At<std::int64_t>(bad),
                                       .batch_size = plan.batch_size,
                                       .sequence_length = plan.sequence_length,
                                       .ids_type = plan.ids_type};
      MASKD_RETURN_IF_CUDA_ERROR("LaunchCheckPermutations", LaunchCheckPermutations(check, call.stream()));
      MASKD_RETURN_IF_ERROR(call.CopyOut(bad, &first_bad));
      const maskd::RestoreTokens restore = {.kept_tokens = call.At(from),
                                            .ids_restore = call.At(ids),
                                            .fill = fill == nullptr ? nullptr : call.At(filling),
                                            .restored = call.At(to),
                                            .batch_size = plan.batch_size,
                                            .sequence_length = plan.sequence_length,
                                            .num_keep = plan.num_keep,
                                            .num_prefix = plan.num_prefix,
                                            .token_bytes = plan.token_bytes,
                                            .ids_type = plan.ids_type};
      MASKD_RETURN_IF_CUDA_ERROR("LaunchRestoreTokens", LaunchRestoreTokens(restore, call.stream()));
      return call.CopyOut(to, restored);
    };
    MASKD_RETURN_IF_ERROR(device_.Run(work));
    return IdsRestoreError(plan, ids_restore, first_bad);
  }

  absl::StatusOr<std::int64_t> CountSelected(const SelectPlan& plan, const std::byte* mask) override {
    return CountSelectedOnDevice(device_, plan, mask);
  }

  absl::Status MaskedSelect(const SelectPlan& plan, const std::byte* input, const std::byte* mask,
                            std::byte* selected) override {
    return MaskedSelectOnDevice(device_, plan, input, mask, selected);
  }

  absl::Status PadSequences(const PadPlan& plan, const std::byte* values, const std::byte* padding,
                            std::byte* padded, std::byte* mask) override {
    if (CountOf(plan.mask_shape) == 0) return absl::OkStatus();
    std::vector<std::int64_t> starts = {0};
    for (const std::int64_t length : plan.lengths) starts.push_back(starts.back() + length);
    std::vector<std::byte> padding_row;
    if (padding != nullptr) {
      while (std::ssize(padding_row) < plan.row_bytes)
        padding_row.insert(padding_row.end(), padding, padding + plan.element_bytes);
    }
    return device_.Run([&](DeviceCall& call) -> absl::Status {
      const DeviceArray first_steps = call.Add(std::ssize(starts) * kPlaceBytes);
      const DeviceArray from = call.Add(starts.back() * plan.row_bytes);
      const DeviceArray filling = call.Add(std::ssize(padding_row));
      const DeviceArray to = call.Add(CountOf(plan.padded_shape) * plan.element_bytes);
      const DeviceArray real =
          call.Add(CountOf(plan.mask_shape) * (plan.mask_type == MaskType::kUint8 ? 1 : 4));
      MASKD_RETURN_IF_ERROR(call.Reserve());
      MASKD_RETURN_IF_ERROR(call.CopyIn(first_steps, starts.data()));
      MASKD_RETURN_IF_ERROR(call.CopyIn(from, values));
      MASKD_RETURN_IF_ERROR(call.CopyIn(filling, padding_row.data()));
      const maskd::PadSequences pad = {.values = call.At(from),
                                       .starts = call.At<std::int64_t>(first_steps),
                                       .padding = padding == nullptr ? nullptr : call.At(filling),
                                       .padded = call.At(to),
                                       .mask = call.At(real),
                                       .sequences = std::ssize(plan.lengths),
                                       .padded_length = plan.padded_length,
                                       .row_bytes = plan.row_bytes,
                                       .time_major = plan.time_major,
                                       .mask_type = plan.mask_type};
      MASKD_RETURN_IF_CUDA_ERROR("LaunchPadSequences", LaunchPadSequences(pad, call.stream()));
      MASKD_RETURN_IF_ERROR(call.CopyOut(to, padded));
      return call.CopyOut(real, mask);
    });
  }

  absl::StatusOr<MaskedMean> MaskedNllLoss(const NllPlan& plan, const std::byte* scores,
                                           const std::byte* target, const std::byte* mask) override {
    return NllLossOnDevice(device_, plan, scores, target, mask);
  }

  absl::StatusOr<MaskedMean> MaskedReconstructionLoss(const ReconstructionPlan& plan,
                                                      const std::byte* prediction, const std::byte* target,
                                                      const std::byte* mask) override {
    return ReconstructionLossOnDevice(device_, plan, prediction, target, mask);
  }

 private:
  DeviceCaller device_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TensorOps>> MakeCudaTensorOps(int ordinal) {
  MASKD_RETURN_IF_ERROR(OpenCudaDevice(ordinal).status());
  return std::make_unique<CudaTensorOps>(ordinal);
}

}  // namespace maskd
