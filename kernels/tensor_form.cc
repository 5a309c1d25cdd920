#include "kernels/tensor_form.h"

#include "absl/strings/str_cat.h"

namespace maskd {
namespace {

absl::Status WrongType(absl::string_view name, const TensorForm& form, absl::string_view right) {
  return absl::InvalidArgumentError(
      absl::StrCat(name, ".element_type is ", ElementTypeName(form.type), "; it must be ", right));
}

}  // namespace

absl::string_view ElementTypeName(ElementType type) {
  switch (type) {
    case ElementType::kOther:
      return "ELEMENT_TYPE_UNSPECIFIED";
    case ElementType::kFloat32:
      return "ELEMENT_TYPE_FLOAT32";
    case ElementType::kInt64:
      return "ELEMENT_TYPE_INT64";
    case ElementType::kInt32:
      return "ELEMENT_TYPE_INT32";
    case ElementType::kUint16:
      return "ELEMENT_TYPE_UINT16";
    case ElementType::kUint8:
      return "ELEMENT_TYPE_UINT8";
    case ElementType::kFloat16:
      return "ELEMENT_TYPE_FLOAT16";
    case ElementType::kBfloat16:
      return "ELEMENT_TYPE_BFLOAT16";
    case ElementType::kFloat64:
      return "ELEMENT_TYPE_FLOAT64";
  }
  return "unknown";
}

std::int64_t ElementBytes(ElementType type) {
  switch (type) {
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
    case ElementType::kOther:
      break;
  }
  return 0;
}

std::int64_t TensorForm::bytes() const {
  const std::int64_t count = CountOf(shape);
  std::int64_t bytes = 0;
  return count < 0 || __builtin_mul_overflow(count, element_bytes(), &bytes) ? -1 : bytes;
}

bool IsAligned(const std::byte* data, std::int64_t element_bytes) {
  const std::uintptr_t word = element_bytes % 8 == 0   ? 8
                              : element_bytes % 4 == 0 ? 4
                              : element_bytes % 2 == 0 ? 2
                                                       : 1;
  return reinterpret_cast<std::uintptr_t>(data) % word == 0;
}

absl::StatusOr<FloatType> FloatTypeOf(absl::string_view name, const TensorForm& form) {
  switch (form.type) {
    case ElementType::kFloat32:
      return FloatType::kFloat32;
    case ElementType::kFloat16:
      return FloatType::kFloat16;
    case ElementType::kBfloat16:
      return FloatType::kBfloat16;
    case ElementType::kFloat64:
      return FloatType::kFloat64;
    default:
      return WrongType(name, form, "float32, float16, bfloat16 or float64 to be computed with");
  }
}

absl::StatusOr<IdsType> IndexTypeOf(absl::string_view name, const TensorForm& form) {
  if (form.type == ElementType::kInt64) return IdsType::kInt64;
  if (form.type == ElementType::kInt32) return IdsType::kInt32;
  return WrongType(name, form, "int64 or int32");
}

absl::StatusOr<IdsType> IdsTypeOf(absl::string_view name, const TensorForm& form) {
  if (form.type == ElementType::kInt64) return IdsType::kInt64;
  if (form.type == ElementType::kInt32) return IdsType::kInt32;
  if (form.type == ElementType::kUint16) return IdsType::kUint16;
  return WrongType(name, form, "int64, int32 or uint16");
}

absl::StatusOr<BooleanType> BooleanTypeOf(absl::string_view name, const TensorForm& form) {
  if (form.type == ElementType::kUint8) return BooleanType::kUint8;
  if (form.type == ElementType::kFloat32) return BooleanType::kFloat32;
  return WrongType(name, form, "uint8 or float32");
}

}  // namespace maskd
