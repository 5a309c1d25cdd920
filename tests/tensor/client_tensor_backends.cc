// Tensor operations through ShardedClient, in process and of a server, as
// backends: the plans are turned back into what a caller would say.
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/sharded_client.h"
#include "kernels/status_macros.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/tensor/tensor_backends.h"

namespace maskd {
namespace {

TensorView View(ElementType type, Shape shape, const std::byte* data, std::int64_t other_bytes = 0) {
  TensorView view = {.form = {.type = type, .other_bytes = other_bytes, .shape = std::move(shape)}};
  view.data = {data, static_cast<std::size_t>(view.form.bytes())};
  return view;
}

ElementType TypeOf(IdsType type) {
  return type == IdsType::kInt64   ? ElementType::kInt64
         : type == IdsType::kInt32 ? ElementType::kInt32
                                   : ElementType::kUint16;
}

ElementType TypeOf(BooleanType type) {
  return type == BooleanType::kUint8 ? ElementType::kUint8 : ElementType::kFloat32;
}

ElementType TypeOf(FloatType type) {
  switch (type) {
    case FloatType::kFloat32:
      return ElementType::kFloat32;
    case FloatType::kFloat16:
      return ElementType::kFloat16;
    case FloatType::kBfloat16:
      return ElementType::kBfloat16;
    case FloatType::kFloat64:
      break;
  }
  return ElementType::kFloat64;
}

// Where a result goes.
absl::Status Write(const absl::StatusOr<Tensor>& tensor, std::byte* to) {
  MASKD_RETURN_IF_ERROR(tensor.status());
  if (!tensor->data.empty()) std::memcpy(to, tensor->data.data(), tensor->data.size());
  return absl::OkStatus();
}

// An array of `shape`, whose elements are rows of `row` of `type`. One is a row
// alone: shapes have no room for more.
TensorView RowsView(ElementType type, std::int64_t other_bytes, Shape shape, std::int64_t row,
                    const std::byte* data) {
  if (row != 1) shape.push_back(row);
  return View(type, std::move(shape), data, other_bytes);
}

// The elements of rows of `bytes`: one of their size if there is such a one.
std::int64_t ElementBytesOfRow(std::int64_t bytes) { return bytes >= 1 && bytes <= 16 ? bytes : 1; }

class ClientTensorOps final : public TensorOps {
 public:
  ClientTensorOps(std::unique_ptr<ServedMasker> served, const std::string& address)
      : served_(std::move(served)), client_(ShardedClient::Connect({address}, {}).value()) {}

  // Rows of an index are rows of elements here.
  absl::Status Gather(const IndexPlan& plan, const std::byte* input, const std::byte* index,
                      std::byte* output) override {
    GatherArguments arguments;
    const std::int64_t element_bytes = ElementBytesOfRow(plan.element_bytes);
    arguments.input = RowsView(ElementType::kOther, element_bytes, plan.input_shape,
                               plan.element_bytes / element_bytes, input);
    arguments.index = View(TypeOf(plan.index_type), plan.index_shape, index);
    arguments.dim = static_cast<std::int64_t>(plan.dim);
    arguments.index_rank = std::ssize(plan.index_shape);
    return Write(client_->Gather(arguments), output);
  }

  absl::Status Scatter(const IndexPlan& plan, const std::byte* index, const std::byte* src,
                       std::byte* output) override {
    return Write(client_->Scatter(ScatterOf(plan, ElementType::kOther, ElementBytesOfRow(plan.element_bytes),
                                            index, src, output)),
                 output);
  }

  absl::Status ScatterAdd(const IndexPlan& plan, FloatType type, const std::byte* index, const std::byte* src,
                          std::byte* output) override {
    return Write(client_->ScatterAdd(ScatterOf(plan, TypeOf(type), FloatBytes(type), index, src, output)),
                 output);
  }

  absl::Status RestoreTokens(const RestorePlan& plan, const std::byte* kept, const std::byte* ids_restore,
                             const std::byte* fill, std::byte* restored) override {
    RestoreTokensArguments arguments;
    arguments.kept_tokens =
        View(ElementType::kUint8, {plan.batch_size, plan.num_prefix + plan.num_keep, plan.token_bytes}, kept);
    arguments.ids_restore = View(TypeOf(plan.ids_type), {plan.batch_size, plan.sequence_length}, ids_restore);
    if (fill != nullptr) arguments.fill = View(ElementType::kUint8, {plan.token_bytes}, fill);
    arguments.num_prefix = plan.num_prefix;
    return Write(client_->RestoreTokens(arguments), restored);
  }

  absl::StatusOr<std::int64_t> CountSelected(const SelectPlan& plan, const std::byte* mask) override {
    // Of an input without values: zeros.
    const std::vector<std::byte> zeros(static_cast<std::size_t>(CountOf(plan.shape)));
    MASKD_ASSIGN_OR_RETURN(const Tensor selected,
                           client_->MaskedSelect(SelectOf(plan, 1, zeros.data(), mask)));
    return selected.form.shape[0];
  }

  absl::Status MaskedSelect(const SelectPlan& plan, const std::byte* input, const std::byte* mask,
                            std::byte* selected) override {
    return Write(client_->MaskedSelect(SelectOf(plan, plan.element_bytes, input, mask)), selected);
  }

  absl::Status PadSequences(const PadPlan& plan, const std::byte* values, const std::byte* padding,
                            std::byte* padded, std::byte* mask) override {
    PadSequencesArguments arguments;
    std::int64_t steps = 0;
    for (const std::int64_t length : plan.lengths) steps += length;
    Shape shape = plan.padded_shape;
    shape.erase(shape.begin());
    shape.front() = steps;
    arguments.values = View(ElementType::kOther, shape, values, plan.element_bytes);
    arguments.lengths = plan.lengths;
    if (padding != nullptr) arguments.padding_value = {padding, static_cast<std::size_t>(plan.element_bytes)};
    arguments.time_major = plan.time_major;
    arguments.mask_type = plan.mask_type;
    arguments.padded_length = plan.padded_length;
    MASKD_ASSIGN_OR_RETURN(const PaddedTensors result, client_->PadSequences(arguments));
    MASKD_RETURN_IF_ERROR(Write(result.padded, padded));
    return Write(result.mask, mask);
  }

  absl::StatusOr<MaskedMean> MaskedNllLoss(const NllPlan& plan, const std::byte* scores,
                                           const std::byte* target, const std::byte* mask) override {
    MaskedNllLossArguments arguments;
    arguments.scores = View(TypeOf(plan.score_type), {plan.positions, plan.num_classes}, scores);
    arguments.target = View(TypeOf(plan.target_type), {plan.positions}, target);
    arguments.mask = View(TypeOf(plan.mask_type), {plan.positions}, mask);
    arguments.kind = plan.kind;
    return client_->MaskedNllLoss(arguments);
  }

  absl::StatusOr<MaskedMean> MaskedReconstructionLoss(const ReconstructionPlan& plan,
                                                      const std::byte* prediction, const std::byte* target,
                                                      const std::byte* mask) override {
    const Shape shape = {plan.batch_size, plan.sequence_length, plan.token_size};
    MaskedReconstructionLossArguments arguments;
    arguments.prediction = View(TypeOf(plan.prediction_type), shape, prediction);
    arguments.target = View(TypeOf(plan.target_type), shape, target);
    arguments.mask = View(TypeOf(plan.mask_type), {plan.batch_size, plan.sequence_length}, mask);
    arguments.normalize_target = plan.normalize_target;
    arguments.patch_size = plan.patch_size;
    if (plan.patch_size != 0) {
      const std::int64_t width = plan.patches_a_row * plan.patch_size;
      const std::int64_t height = plan.image_size / width / plan.channels;
      const bool first = plan.column_stride == 1;
      arguments.target_layout = first ? ImageLayout::kChannelsFirst : ImageLayout::kChannelsLast;
      arguments.target.form.shape = first ? Shape{plan.batch_size, plan.channels, height, width}
                                          : Shape{plan.batch_size, height, width, plan.channels};
    }
    return client_->MaskedReconstructionLoss(arguments);
  }

 private:
  static ScatterArguments ScatterOf(const IndexPlan& plan, ElementType type, std::int64_t element_bytes,
                                    const std::byte* index, const std::byte* src, const std::byte* input) {
    const std::int64_t row = plan.element_bytes / element_bytes;
    ScatterArguments arguments;
    arguments.input = RowsView(type, element_bytes, plan.input_shape, row, input);
    arguments.index = View(TypeOf(plan.index_type), plan.index_shape, index);
    arguments.src = RowsView(type, element_bytes, plan.index_shape, row, src);
    arguments.dim = static_cast<std::int64_t>(plan.dim);
    arguments.index_rank = std::ssize(plan.index_shape);
    return arguments;
  }

  static MaskedSelectArguments SelectOf(const SelectPlan& plan, std::int64_t element_bytes,
                                        const std::byte* input, const std::byte* mask) {
    Shape mask_shape;
    for (std::size_t d = 0; d < plan.shape.size(); ++d)
      mask_shape.push_back(plan.mask_strides[d] == 0 ? 1 : plan.shape[d]);
    MaskedSelectArguments arguments;
    arguments.input = View(ElementType::kOther, plan.shape, input, element_bytes);
    arguments.mask = View(TypeOf(plan.mask_type), mask_shape, mask);
    return arguments;
  }

  const std::unique_ptr<ServedMasker> served_;  // null in process
  const std::unique_ptr<ShardedClient> client_;
};

}  // namespace

std::vector<TensorBackend> TensorBackends() {
  using Made = absl::StatusOr<std::unique_ptr<TensorOps>>;
  return {{"InProcess", []() -> Made { return std::make_unique<ClientTensorOps>(nullptr, "inproc:"); }},
          {"Served", []() -> Made {
             auto served = std::make_unique<ServedMasker>(MakeCpuMasker(1), Transport::kUnixSocket);
             const std::string address = served->address();
             return std::make_unique<ClientTensorOps>(std::move(served), address);
           }}};
}

}  // namespace maskd
