// Encode: from tensors that are to be computed to the response they are in.
#ifndef MASKD_SERVER_TENSOR_RESPONSE_H_
#define MASKD_SERVER_TENSOR_RESPONSE_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "kernels/tensor_plans.h"
#include "server/message_layout.h"
#include "server/reply_pool.h"
#include "server/tensor_request.h"

namespace maskd {

// Adds a maskd.v1.Tensor of `bytes` of data, which are written later at `*place`.
void AddTensor(int field, const TensorType& type, std::span<const std::int64_t> shape, std::int64_t bytes,
               MessageLayout& layout, std::byte** place);

// A tensor of a response: its field, what it is, and where its data goes.
struct ResponseTensor {
  int field;
  TensorType type;
  const Shape& shape;
  std::byte** data;  // written by those who reserve it

  std::int64_t bytes() const { return CountOf(shape) * type.element_bytes; }
};

// The response that has these tensors, the first of them aligned to 16 bytes.
// Throws std::bad_alloc.
ReplyPool::Buffer ReserveTensors(std::initializer_list<ResponseTensor> tensors, ReplyPool& pool);

// The same apart: the message without data, and memory for that of all tensors,
// one behind the other. Throws std::bad_alloc.
std::string SerializeWithoutData(std::initializer_list<ResponseTensor> tensors);
ReplyPool::Buffer ReserveData(std::initializer_list<ResponseTensor> tensors, ReplyPool& pool);

}  // namespace maskd

#endif  // MASKD_SERVER_TENSOR_RESPONSE_H_
