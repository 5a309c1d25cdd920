#include "server/encode_response.h"

#include <cstddef>
#include <cstdint>

namespace maskd {
namespace {

std::byte* Reserve(std::string* data, std::int64_t bytes) {
  data->resize(static_cast<std::size_t>(bytes));
  return reinterpret_cast<std::byte*>(data->data());
}

std::byte* ReserveTensor(v1::Tensor* tensor, v1::ElementType type, std::int64_t rows, std::int64_t columns,
                         std::int64_t bytes) {
  tensor->set_element_type(type);
  tensor->add_shape(rows);
  tensor->add_shape(columns);
  return Reserve(tensor->mutable_data(), bytes);
}

v1::ElementType ElementTypeOf(IdsType type) {
  switch (type) {
    case IdsType::kInt64:
      return v1::ELEMENT_TYPE_INT64;
    case IdsType::kInt32:
      return v1::ELEMENT_TYPE_INT32;
    case IdsType::kUint16:
      return v1::ELEMENT_TYPE_UINT16;
  }
  return v1::ELEMENT_TYPE_UNSPECIFIED;
}

v1::ElementType ElementTypeOf(MaskType type) {
  switch (type) {
    case MaskType::kFloat32:
      return v1::ELEMENT_TYPE_FLOAT32;
    case MaskType::kUint8:
      return v1::ELEMENT_TYPE_UINT8;
    case MaskType::kPackedBits:
      return v1::ELEMENT_TYPE_PACKED_BITS;
  }
  return v1::ELEMENT_TYPE_UNSPECIFIED;
}

MaskingBuffers ReserveMasking(const MaskingPlan& plan, const std::string& backend, v1::Masking* masking) {
  masking->set_num_keep(plan.num_keep);
  masking->set_algorithm_version(kAlgorithmVersion);
  masking->set_seed(plan.seed);
  masking->set_epoch(plan.epoch);
  masking->set_mask_index(plan.mask_index);
  masking->set_backend(backend);

  const ResultSelection& selection = plan.selection;
  const ResultBytes& bytes = plan.result_bytes;
  const std::int64_t N = plan.batch_size;
  const std::int64_t L = plan.sequence_length;
  const std::int64_t K = plan.num_keep;
  const v1::ElementType ids_type = ElementTypeOf(selection.ids_type);
  MaskingBuffers buffers;
  if (selection.mask) {
    buffers.mask =
        ReserveTensor(masking->mutable_mask(), ElementTypeOf(selection.mask_type), N, L, bytes.mask);
  }
  if (selection.ids_restore) {
    buffers.ids_restore = ReserveTensor(masking->mutable_ids_restore(), ids_type, N, L, bytes.ids_restore);
  }
  if (selection.ids_keep) {
    buffers.ids_keep = ReserveTensor(masking->mutable_ids_keep(), ids_type, N, K, bytes.ids_keep);
  }
  if (selection.ids_mask) {
    buffers.ids_mask = ReserveTensor(masking->mutable_ids_mask(), ids_type, N, L - K, bytes.ids_mask);
  }
  if (selection.noise) {
    buffers.noise = ReserveTensor(masking->mutable_noise(), v1::ELEMENT_TYPE_FLOAT32, N, L, bytes.noise);
  }
  return buffers;
}

}  // namespace

MaskingBuffers ReserveResponse(const MaskingPlan& plan, const std::string& backend,
                               v1::GenerateMaskResponse* response) {
  return ReserveMasking(plan, backend, response->mutable_masking());
}

MaskingBuffers ReserveResponse(const MaskingPlan& plan, const std::string& backend,
                               const v1::TokenLayout& request_layout, v1::RandomMaskingResponse* response) {
  MaskingBuffers buffers = ReserveMasking(plan, backend, response->mutable_masking());
  if (plan.selection.kept_tokens) {
    *response->mutable_kept_layout() = request_layout;
    response->mutable_kept_layout()->set_sequence_length(plan.num_keep);
    buffers.kept_tokens = Reserve(response->mutable_kept_tokens(), plan.result_bytes.kept_tokens);
  }
  return buffers;
}

}  // namespace maskd
