#include "client/encode_tensors.h"

#include <grpcpp/support/slice.h>

#include <algorithm>
#include <vector>

#include "client/attempt.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking.pb.h"
#include "proto/field_head.h"

namespace maskd {
absl::Status TensorMessage::Add(absl::string_view name, int number, const TensorView& tensor) {
  const TensorForm& form = tensor.form;
  MASKD_RETURN_IF_ERROR(CheckData(name, tensor));
  v1::Tensor message;
  message.set_element_type(static_cast<v1::ElementType>(form.type));
  if (form.type == ElementType::kOther) message.set_element_bytes(form.other_bytes);
  message.mutable_shape()->Add(form.shape.begin(), form.shape.end());
  const Field& field = tensors_.emplace_back(number, message.SerializeAsString(), tensor.data);
  bytes_ += static_cast<std::int64_t>(HeadOf(field).size() + tensor.data.size());
  return absl::OkStatus();
}

std::string TensorMessage::HeadOf(const Field& field) {
  std::string inner = field.form;
  const std::size_t size = field.payload.size();
  if (size > 0) inner += EncodePayloadHead(static_cast<std::int64_t>(size));
  return EncodeFieldHead(field.number, static_cast<std::int64_t>(inner.size() + size)) + inner;
}

grpc::ByteBuffer TensorMessage::ToByteBuffer() {
  std::vector<grpc::Slice> slices;
  for (Field& field : tensors_) {
    slices.emplace_back(HeadOf(field));
    if (field.payload.size() > 0) slices.push_back(field.payload.ToSlice(0, field.payload.size()));
  }
  if (!fields_.empty()) slices.emplace_back(fields_);
  return {slices.data(), slices.size()};
}

std::string TensorMessage::WithoutPayloads() const {
  std::string message;
  for (const Field& field : tensors_)
    message += EncodeFieldHead(field.number, static_cast<std::int64_t>(field.form.size())) + field.form;
  return message + fields_;
}

std::int64_t TensorMessage::payload_bytes() const {
  std::int64_t bytes = 0;
  for (const Field& field : tensors_) bytes += static_cast<std::int64_t>(field.payload.size());
  return bytes;
}

grpc::ByteBuffer TensorMessage::PayloadMessage(std::int64_t offset, std::int64_t size) {
  std::vector<grpc::Slice> slices;
  slices.emplace_back(EncodePayloadHead(size));
  for (Field& field : tensors_) {
    const auto field_bytes = static_cast<std::int64_t>(field.payload.size());
    if (offset < field_bytes && size > 0) {
      const std::int64_t piece = std::min(size, field_bytes - offset);
      slices.push_back(
          field.payload.ToSlice(static_cast<std::size_t>(offset), static_cast<std::size_t>(piece)));
      size -= piece;
    }
    offset = std::max<std::int64_t>(0, offset - field_bytes);
  }
  return {slices.data(), slices.size()};
}

std::int64_t TensorMessage::ChunkBytes(std::int64_t offset, std::int64_t size) const {
  std::int64_t bytes = 0;
  for (const Field& field : tensors_) {
    const auto field_bytes = static_cast<std::int64_t>(field.payload.size());
    if (offset < field_bytes && bytes < size) {
      const std::int64_t piece = field.payload.ChunkBytes(offset, size - bytes);
      bytes += piece;
      if (piece < field_bytes - offset) break;
    }
    offset = std::max<std::int64_t>(0, offset - field_bytes);
  }
  return bytes;
}

void TensorMessage::TakeBack(Connection& connection) {
  for (Field& field : tensors_) maskd::TakeBack(field.payload, connection);
}

}  // namespace maskd
