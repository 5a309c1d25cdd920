#include "server/tensor_response.h"

#include <cstdint>
#include <ranges>

#include "maskd/v1/masking.pb.h"

namespace maskd {
namespace {

constexpr std::size_t kAlignment = 16;

// Those of a tensor without data.
void AddFields(const TensorType& type, std::span<const std::int64_t> shape, MessageLayout& layout) {
  if (type.element_type == v1::ELEMENT_TYPE_UNSPECIFIED)
    layout.AddInteger(v1::Tensor::kElementBytesFieldNumber, type.element_bytes);
  layout.AddIntegers(v1::Tensor::kShapeFieldNumber, shape);
  layout.AddInteger(v1::Tensor::kElementTypeFieldNumber, type.element_type);
}

auto FromTheLast(const std::initializer_list<ResponseTensor>& tensors) {
  return std::views::reverse(std::span(tensors));
}

}  // namespace

void AddTensor(int field, const TensorType& type, std::span<const std::int64_t> shape, std::int64_t bytes,
               MessageLayout& layout, std::byte** place) {
  const std::int64_t before = layout.size();
  layout.AddBytes(v1::Tensor::kDataFieldNumber, bytes, place);
  AddFields(type, shape, layout);
  layout.AddHead(field, before);
}

ReplyPool::Buffer ReserveTensors(std::initializer_list<ResponseTensor> tensors, ReplyPool& pool) {
  MessageLayout layout;
  for (const ResponseTensor& tensor : FromTheLast(tensors))
    AddTensor(tensor.field, tensor.type, tensor.shape, tensor.bytes(), layout, tensor.data);
  // The message begins where its first tensor is aligned.
  const auto size = static_cast<std::size_t>(layout.size());
  ReplyPool::Buffer buffer = pool.Take(size + kAlignment - 1);
  layout.Write(buffer.bytes().data());
  const auto misaligned = reinterpret_cast<std::uintptr_t>(*tensors.begin()->data) % kAlignment;
  buffer.Narrow((kAlignment - misaligned) % kAlignment, size);
  layout.Write(buffer.bytes().data());
  return buffer;
}

std::string SerializeWithoutData(std::initializer_list<ResponseTensor> tensors) {
  MessageLayout layout;
  for (const ResponseTensor& tensor : FromTheLast(tensors)) {
    const std::int64_t before = layout.size();
    AddFields(tensor.type, tensor.shape, layout);
    layout.AddHead(tensor.field, before);
  }
  std::string fields(static_cast<std::size_t>(layout.size()), '\0');
  layout.Write(reinterpret_cast<std::byte*>(fields.data()));
  return fields;
}

ReplyPool::Buffer ReserveData(std::initializer_list<ResponseTensor> tensors, ReplyPool& pool) {
  std::int64_t bytes = 0;
  for (const ResponseTensor& tensor : tensors) bytes += tensor.bytes();
  ReplyPool::Buffer buffer = pool.Take(static_cast<std::size_t>(bytes));
  std::byte* at = buffer.bytes().data();
  for (const ResponseTensor& tensor : tensors) {
    *tensor.data = at;
    at += tensor.bytes();
  }
  return buffer;
}

}  // namespace maskd
