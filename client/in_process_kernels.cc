#include "client/in_process_kernels.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_arguments.h"
#include "kernels/tensor_form.h"

namespace maskd {
namespace {

// The data of a tensor, aligned as TensorOps asks for: copied if it is not.
class AlignedData {
 public:
  explicit AlignedData(const TensorView& tensor) : data_(tensor.data.data()) {
    if (tensor.data.empty() || IsAligned(data_, tensor.form.element_bytes())) return;
    copy_.resize((tensor.data.size() + sizeof(copy_[0]) - 1) / sizeof(copy_[0]));
    std::memcpy(copy_.data(), data_, tensor.data.size());
    data_ = reinterpret_cast<const std::byte*>(copy_.data());
  }

  AlignedData(const AlignedData&) = delete;
  AlignedData& operator=(const AlignedData&) = delete;

  const std::byte* get() const { return data_; }

 private:
  const std::byte* data_;
  std::vector<std::uint64_t> copy_;
};

// A tensor that is to be written.
Tensor Allocate(TensorForm form, Shape shape) {
  form.shape = std::move(shape);
  Tensor tensor = {.form = std::move(form)};
  tensor.data.resize(static_cast<std::size_t>(tensor.form.bytes()));
  return tensor;
}

std::byte* DataOf(Tensor& tensor) { return reinterpret_cast<std::byte*>(tensor.data.data()); }

// What `compute` returns, if the call has not ended and there is memory for it.
template <typename Compute>
auto Run(const CallScope& scope, const Compute& compute) -> decltype(compute()) {
  MASKD_RETURN_IF_ERROR(scope.Check());
  try {
    return compute();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory for the results; send smaller tensors");
  }
}

absl::StatusOr<Tensor> ScatterOrAdd(TensorOps& ops, const ScatterArguments& arguments, bool add,
                                    const CallScope& scope) {
  return Run(scope, [&]() -> absl::StatusOr<Tensor> {
    const TensorForm& input = arguments.input.form;
    MASKD_ASSIGN_OR_RETURN(const IndexPlan plan,
                           MakeScatterPlan(input, arguments.index.form, arguments.src.form, arguments.dim,
                                           arguments.index_rank));
    FloatType type = FloatType::kFloat32;
    if (add) {
      MASKD_ASSIGN_OR_RETURN(type, FloatTypeOf("input", input));
    }
    MASKD_RETURN_IF_ERROR(CheckData("input", arguments.input));
    MASKD_RETURN_IF_ERROR(CheckData("index", arguments.index));
    MASKD_RETURN_IF_ERROR(CheckData("src", arguments.src));
    const AlignedData index(arguments.index);
    const AlignedData src(arguments.src);
    const auto* const begin = reinterpret_cast<const char*>(arguments.input.data.data());
    Tensor output = {.form = input, .data = std::string(begin, begin + arguments.input.data.size())};
    MASKD_RETURN_IF_ERROR(add ? ops.ScatterAdd(plan, type, index.get(), src.get(), DataOf(output))
                              : ops.Scatter(plan, index.get(), src.get(), DataOf(output)));
    return output;
  });
}

}  // namespace

InProcessKernels::InProcessKernels(int num_threads)
    : masker_(MakeCpuMasker(num_threads)), ops_(MakeCpuTensorOps(num_threads)) {}

absl::StatusOr<MaskingFacts> InProcessKernels::Mask(const MaskingPlan& plan,
                                                    std::span<const std::byte> tokens,
                                                    const MaskingBuffers& results, const CallScope& scope) {
  MASKD_RETURN_IF_ERROR(scope.Check());
  MaskingBuffers buffers = results;
  buffers.tokens = tokens.data();
  const absl::Status status = masker_->Mask(plan, buffers, [&scope] { return scope.ended(); });
  if (absl::IsCancelled(status)) return scope.Check();
  MASKD_RETURN_IF_ERROR(status);
  return MaskingFacts{
      .num_keep = plan.num_keep, .algorithm_version = kAlgorithmVersion, .backend = masker_->backend()};
}

absl::StatusOr<Tensor> InProcessKernels::RestoreTokens(const RestoreTokensArguments& arguments,
                                                       const CallScope& scope) {
  return Run(scope, [&]() -> absl::StatusOr<Tensor> {
    const TensorForm& kept_form = arguments.kept_tokens.form;
    const bool filled = arguments.fill.has_value();
    MASKD_ASSIGN_OR_RETURN(const RestorePlan plan,
                           MakeRestorePlan(kept_form, arguments.ids_restore.form,
                                           filled ? &arguments.fill->form : nullptr, arguments.num_prefix));
    MASKD_RETURN_IF_ERROR(CheckData("kept_tokens", arguments.kept_tokens));
    MASKD_RETURN_IF_ERROR(CheckData("ids_restore", arguments.ids_restore));
    if (filled) MASKD_RETURN_IF_ERROR(CheckData("fill", *arguments.fill));
    const AlignedData kept(arguments.kept_tokens);
    const AlignedData ids(arguments.ids_restore);
    const AlignedData fill(filled ? *arguments.fill : TensorView());
    Shape shape = kept_form.shape;
    shape[1] = plan.num_prefix + plan.sequence_length;
    Tensor tokens = Allocate(kept_form, shape);
    MASKD_RETURN_IF_ERROR(
        ops_->RestoreTokens(plan, kept.get(), ids.get(), filled ? fill.get() : nullptr, DataOf(tokens)));
    return tokens;
  });
}

absl::StatusOr<Tensor> InProcessKernels::Gather(const GatherArguments& arguments, const CallScope& scope) {
  return Run(scope, [&]() -> absl::StatusOr<Tensor> {
    MASKD_ASSIGN_OR_RETURN(const IndexPlan plan, MakeGatherPlan(arguments.input.form, arguments.index.form,
                                                                arguments.dim, arguments.index_rank));
    MASKD_RETURN_IF_ERROR(CheckData("input", arguments.input));
    MASKD_RETURN_IF_ERROR(CheckData("index", arguments.index));
    const AlignedData input(arguments.input);
    const AlignedData index(arguments.index);
    Tensor output = Allocate(arguments.input.form, plan.moved_shape);
    MASKD_RETURN_IF_ERROR(ops_->Gather(plan, input.get(), index.get(), DataOf(output)));
    return output;
  });
}

absl::StatusOr<Tensor> InProcessKernels::Scatter(const ScatterArguments& arguments, const CallScope& scope) {
  return ScatterOrAdd(*ops_, arguments, false, scope);
}

absl::StatusOr<Tensor> InProcessKernels::ScatterAdd(const ScatterArguments& arguments,
                                                    const CallScope& scope) {
  return ScatterOrAdd(*ops_, arguments, true, scope);
}

absl::StatusOr<Tensor> InProcessKernels::MaskedSelect(const MaskedSelectArguments& arguments,
                                                      const CallScope& scope) {
  return Run(scope, [&]() -> absl::StatusOr<Tensor> {
    MASKD_ASSIGN_OR_RETURN(const SelectPlan plan, MakeSelectPlan(arguments.input.form, arguments.mask.form));
    MASKD_RETURN_IF_ERROR(CheckData("input", arguments.input));
    MASKD_RETURN_IF_ERROR(CheckData("mask", arguments.mask));
    const AlignedData input(arguments.input);
    const AlignedData mask(arguments.mask);
    MASKD_ASSIGN_OR_RETURN(const std::int64_t count, ops_->CountSelected(plan, mask.get()));
    Tensor selected = Allocate(arguments.input.form, {count});
    MASKD_RETURN_IF_ERROR(ops_->MaskedSelect(plan, input.get(), mask.get(), DataOf(selected)));
    return selected;
  });
}

absl::StatusOr<PaddedTensors> InProcessKernels::PadSequences(const PadSequencesArguments& arguments,
                                                             const CallScope& scope) {
  return Run(scope, [&]() -> absl::StatusOr<PaddedTensors> {
    const TensorForm& form = arguments.values.form;
    MASKD_ASSIGN_OR_RETURN(const PadPlan plan, MakePadPlan(form,
                                                           {.lengths = arguments.lengths,
                                                            .time_major = arguments.time_major,
                                                            .padded_length = arguments.padded_length,
                                                            .mask_type = arguments.mask_type},
                                                           arguments.padding_value.size()));
    MASKD_RETURN_IF_ERROR(CheckData("values", arguments.values));
    const AlignedData values(arguments.values);
    const AlignedData padding({.form = form, .data = arguments.padding_value});
    PaddedTensors result = {.padded = Allocate(form, plan.padded_shape),
                            .mask = Allocate(MaskForm(plan), plan.mask_shape)};
    MASKD_RETURN_IF_ERROR(ops_->PadSequences(plan, values.get(),
                                             arguments.padding_value.empty() ? nullptr : padding.get(),
                                             DataOf(result.padded), DataOf(result.mask)));
    return result;
  });
}

absl::StatusOr<MaskedMean> InProcessKernels::MaskedNllLoss(const MaskedNllLossArguments& arguments,
                                                           const CallScope& scope) {
  return Run(scope, [&]() -> absl::StatusOr<MaskedMean> {
    MASKD_ASSIGN_OR_RETURN(const NllPlan plan, MakeNllPlan(arguments.scores.form, arguments.target.form,
                                                           arguments.mask.form, arguments.kind));
    MASKD_RETURN_IF_ERROR(CheckData("scores", arguments.scores));
    MASKD_RETURN_IF_ERROR(CheckData("target", arguments.target));
    MASKD_RETURN_IF_ERROR(CheckData("mask", arguments.mask));
    return ops_->MaskedNllLoss(plan, AlignedData(arguments.scores).get(), AlignedData(arguments.target).get(),
                               AlignedData(arguments.mask).get());
  });
}

absl::StatusOr<MaskedMean> InProcessKernels::MaskedReconstructionLoss(
    const MaskedReconstructionLossArguments& arguments, const CallScope& scope) {
  return Run(scope, [&]() -> absl::StatusOr<MaskedMean> {
    MASKD_ASSIGN_OR_RETURN(
        const ReconstructionPlan plan,
        MakeReconstructionPlan(arguments.prediction.form, arguments.target.form, arguments.mask.form,
                               {.target_layout = arguments.target_layout,
                                .patch_size = arguments.patch_size,
                                .normalize_target = arguments.normalize_target}));
    MASKD_RETURN_IF_ERROR(CheckData("prediction", arguments.prediction));
    MASKD_RETURN_IF_ERROR(CheckData("target", arguments.target));
    MASKD_RETURN_IF_ERROR(CheckData("mask", arguments.mask));
    return ops_->MaskedReconstructionLoss(plan, AlignedData(arguments.prediction).get(),
                                          AlignedData(arguments.target).get(),
                                          AlignedData(arguments.mask).get());
  });
}

ServerInfo InProcessKernels::GetServerInfo() const {
  constexpr std::int64_t kUnbounded = std::numeric_limits<std::int64_t>::max();
  return {.version = MASKD_VERSION,
          .backend = masker_->backend(),
          .device_name = masker_->device_name(),
          .algorithm_version = kAlgorithmVersion,
          .max_message_bytes = kUnbounded,
          .max_sequence_length = kMaxSequenceLength,
          .max_batch_tokens = kUnbounded,
          .max_element_bytes = kMaxElementBytes,
          .max_inflight_bytes = kUnbounded,
          .devices = masker_->devices()};
}

}  // namespace maskd
