// What a tensor is, apart from its values.
#ifndef MASKD_KERNELS_TENSOR_FORM_H_
#define MASKD_KERNELS_TENSOR_FORM_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "kernels/tensor_plans.h"

namespace maskd {

// With the wire's numbers.
enum class ElementType : int {
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

// "ELEMENT_TYPE_FLOAT32", as the wire has it.
absl::string_view ElementTypeName(ElementType type);

// Size of an element; 0 if the type says nothing of it.
std::int64_t ElementBytes(ElementType type);

struct TensorForm {
  ElementType type = ElementType::kOther;
  // Size of an element of kOther, 1 to 16. Not read of other types.
  std::int64_t other_bytes = 0;
  Shape shape = {};

  // Size of an element.
  std::int64_t element_bytes() const {
    return type == ElementType::kOther ? other_bytes : ElementBytes(type);
  }
  // -1 if that is beyond 2^62.
  std::int64_t bytes() const;
};

// Whether an array that begins there is aligned as TensorOps asks for.
bool IsAligned(const std::byte* data, std::int64_t element_bytes);

// What a tensor, called `name`, is used as. Each returns INVALID_ARGUMENT if its
// type is none of these.
absl::StatusOr<FloatType> FloatTypeOf(absl::string_view name, const TensorForm& form);
absl::StatusOr<IdsType> IndexTypeOf(absl::string_view name, const TensorForm& form);  // int64 or int32
absl::StatusOr<IdsType> IdsTypeOf(absl::string_view name, const TensorForm& form);    // those or uint16
absl::StatusOr<BooleanType> BooleanTypeOf(absl::string_view name, const TensorForm& form);

}  // namespace maskd

#endif  // MASKD_KERNELS_TENSOR_FORM_H_
