#include "client/tensor.h"

namespace maskd {

std::int64_t TensorForm::element_bytes() const {
  switch (type) {
    case ElementType::kOther:
      return other_bytes;
    case ElementType::kFloat64:
    case ElementType::kInt64:
      return 8;
    case ElementType::kFloat32:
    case ElementType::kInt32:
      return 4;
    case ElementType::kFloat16:
    case ElementType::kBfloat16:
    case ElementType::kUint16:
      return 2;
    case ElementType::kUint8:
      return 1;
  }
  return 0;
}

std::int64_t TensorForm::bytes() const {
  const std::int64_t count = CountOf(shape);
  std::int64_t bytes = 0;
  return count < 0 || __builtin_mul_overflow(count, element_bytes(), &bytes) ? -1 : bytes;
}

}  // namespace maskd
