// Tensors as the caller has them.
#ifndef MASKD_CLIENT_TENSOR_H_
#define MASKD_CLIENT_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "kernels/tensor_plans.h"

namespace maskd {

// With the wire's numbers.
enum class ElementType {
  // Of a size alone: moved, not computed with.
  kOther = 0,
  kFloat32 = 1,
  kInt64 = 2,
  kInt32 = 3,
  kUint16 = 4,
  kUint8 = 5,
  kFloat16 = 7,
  kBfloat16 = 8,
  kFloat64 = 9,
};

// What a tensor is, apart from its values.
struct TensorForm {
  ElementType type = ElementType::kOther;
  // Size of an element of kOther, 1 to 16. Not read of other types.
  std::int64_t other_bytes = 0;
  Shape shape = {};

  // Size of an element.
  std::int64_t element_bytes() const;
  // -1 if that is beyond 2^62.
  std::int64_t bytes() const;
};

// A tensor in the caller's memory, from which it is sent.
struct TensorView {
  TensorForm form = {};
  std::span<const std::byte> data = {};  // row-major, little-endian, of any alignment
};

// A tensor in memory of its own.
struct Tensor {
  TensorForm form = {};
  std::string data = {};

  TensorView view() const { return {.form = form, .data = std::as_bytes(std::span(data))}; }
};

}  // namespace maskd

#endif  // MASKD_CLIENT_TENSOR_H_
