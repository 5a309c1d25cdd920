#include "server/tensor_response.h"

#include <cstdint>

#include "maskd/v1/masking.pb.h"

namespace maskd {
namespace {

constexpr std::size_t kAlignment = 16;

}  // namespace

MessageLayout LayOutTensor(const TensorType& type, std::span<const std::int64_t> shape, std::int64_t bytes,
                           StackArena& arena, std::byte** place) {
  auto& tensor = arena.New<v1::Tensor>();
  tensor.set_element_type(type.element_type);
  if (type.element_type == v1::ELEMENT_TYPE_UNSPECIFIED) tensor.set_element_bytes(type.element_bytes);
  for (const std::int64_t size : shape) tensor.add_shape(size);
  MessageLayout layout;
  layout.AddFields(tensor);
  layout.AddBytes(v1::Tensor::kDataFieldNumber, bytes, place);
  return layout;
}

ReplyPool::Buffer ReserveTensors(std::initializer_list<ResponseTensor> tensors, ReplyPool& pool) {
  StackArena arena;
  MessageLayout layout;
  for (const ResponseTensor& tensor : tensors) {
    const std::int64_t bytes = CountOf(tensor.shape) * tensor.type.element_bytes;
    layout.AddMessage(tensor.field, LayOutTensor(tensor.type, tensor.shape, bytes, arena, tensor.data));
  }
  // The message begins where its first tensor is aligned.
  const auto size = static_cast<std::size_t>(layout.size());
  ReplyPool::Buffer buffer = pool.Take(size + kAlignment - 1);
  layout.Write(buffer.bytes().data());
  const auto misaligned = reinterpret_cast<std::uintptr_t>(*tensors.begin()->data) % kAlignment;
  buffer.Narrow((kAlignment - misaligned) % kAlignment, size);
  layout.Write(buffer.bytes().data());
  return buffer;
}

}  // namespace maskd
