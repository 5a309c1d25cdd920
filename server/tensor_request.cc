#include "server/tensor_request.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/masking_plan.h"
#include "kernels/status_macros.h"
#include "server/limits.h"

namespace maskd {
namespace {

// The numbers of kernels/tensor_form.h are the wire's, so a cast translates a known value.
static_assert(static_cast<int>(ElementType::kOther) == v1::ELEMENT_TYPE_UNSPECIFIED &&
              static_cast<int>(ElementType::kFloat32) == v1::ELEMENT_TYPE_FLOAT32 &&
              static_cast<int>(ElementType::kInt64) == v1::ELEMENT_TYPE_INT64 &&
              static_cast<int>(ElementType::kInt32) == v1::ELEMENT_TYPE_INT32 &&
              static_cast<int>(ElementType::kUint16) == v1::ELEMENT_TYPE_UINT16 &&
              static_cast<int>(ElementType::kUint8) == v1::ELEMENT_TYPE_UINT8 &&
              static_cast<int>(ElementType::kFloat16) == v1::ELEMENT_TYPE_FLOAT16 &&
              static_cast<int>(ElementType::kBfloat16) == v1::ELEMENT_TYPE_BFLOAT16 &&
              static_cast<int>(ElementType::kFloat64) == v1::ELEMENT_TYPE_FLOAT64);

absl::StatusOr<TensorType> TypeOf(absl::string_view name, const v1::Tensor& tensor) {
  const v1::ElementType type = tensor.element_type();
  const std::int64_t bytes = ElementBytes(ElementType{type});
  if (type == v1::ELEMENT_TYPE_UNSPECIFIED) {
    if (tensor.element_bytes() < 1 || tensor.element_bytes() > kMaxElementBytes) {
      return absl::InvalidArgumentError(absl::StrCat(name, " has no element_type, and element_bytes is ",
                                                     tensor.element_bytes(), "; set the type, or 1 to ",
                                                     kMaxElementBytes, " bytes"));
    }
    return TensorType{.element_type = type, .element_bytes = tensor.element_bytes()};
  }
  if (bytes == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ".element_type is ",
                     v1::ElementType_IsValid(type) ? v1::ElementType_Name(type) : absl::StrCat(type),
                     ", which tensor operations do not take"));
  }
  if (tensor.element_bytes() != 0 && tensor.element_bytes() != bytes) {
    return absl::InvalidArgumentError(absl::StrCat(name, ".element_bytes is ", tensor.element_bytes(), "; ",
                                                   v1::ElementType_Name(type), " has ", bytes));
  }
  return TensorType{.element_type = type, .element_bytes = bytes};
}

}  // namespace

TensorRequest::TensorRequest(const grpc::ByteBuffer& request, ReplyPool& pool)
    : pool_(pool),
      slices_(std::make_unique<MessageSlices>(request)),
      message_(ScanTensors(slices_->fragments())) {}

TensorRequest::TensorRequest(std::string fields, ReplyPool& pool)
    : pool_(pool), message_(ScannedTensors{.fields = std::move(fields), .payloads = {}}) {}

absl::Status TensorRequest::Parse(google::protobuf::MessageLite& fields) const {
  if (message_.has_value() && fields.ParseFromString(message_->fields)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the request is no serialized ", fields.GetTypeName()));
}

absl::StatusOr<const TensorArray*> TensorRequest::Array(absl::string_view name, int field,
                                                        const v1::Tensor& tensor) {
  TensorArray array = {
      .name = name, .type = {}, .shape = {tensor.shape().begin(), tensor.shape().end()}, .data = nullptr};
  MASKD_ASSIGN_OR_RETURN(array.type, TypeOf(name, tensor));
  for (const std::int64_t size : array.shape) {
    if (size < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " has the shape ", ShapeName(array.shape), "; sizes are 0 or more"));
    }
  }
  if (streamed()) {
    MASKD_RETURN_IF_ERROR(ExpectData(tensor, array));
  } else {
    MASKD_RETURN_IF_ERROR(TakeData(message_->payloads[static_cast<std::size_t>(field - 1)], array));
  }
  return &arrays_.emplace_back(std::move(array));
}

absl::Status TensorRequest::TakeData(const Payload& payload, TensorArray& array) {
  const std::int64_t count = CountOf(array.shape);
  if (payload.bytes % array.type.element_bytes != 0 || payload.bytes / array.type.element_bytes != count) {
    return absl::InvalidArgumentError(absl::StrCat(array.name, " has ", payload.bytes, " bytes; its shape ",
                                                   ShapeName(array.shape), " of ", array.type.element_bytes,
                                                   "-byte elements has another number"));
  }
  if (payload.bytes == 0) return absl::OkStatus();
  if (payload.fragments.size() == 1 && IsAligned(payload.fragments[0].data(), array.type.element_bytes)) {
    array.data = payload.fragments[0].data();
    return absl::OkStatus();
  }
  buffers_.push_back(pool_.Take(static_cast<std::size_t>(payload.bytes)));
  std::byte* at = buffers_.back().bytes().data();
  array.data = at;
  for (const Fragment fragment : payload.fragments) {
    std::memcpy(at, fragment.data(), fragment.size());
    at += fragment.size();
  }
  return absl::OkStatus();
}

absl::Status TensorRequest::ExpectData(const v1::Tensor& tensor, const TensorArray& array) {
  if (!tensor.data().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(array.name, " has data; that of a stream comes after its first message"));
  }
  const std::int64_t count = CountOf(array.shape);
  if (count < 0 || count > kMaxStreamedBytes / array.type.element_bytes) {
    return TooLarge(absl::StrCat(array.name, " has the shape ", ShapeName(array.shape), " of ",
                                 array.type.element_bytes, "-byte elements; a tensor may have ",
                                 kMaxStreamedBytes, " bytes"));
  }
  streamed_bytes_ += count * array.type.element_bytes;
  return absl::OkStatus();
}

void TensorRequest::Reserve() {
  for (TensorArray& array : arrays_) {
    const std::int64_t bytes = CountOf(array.shape) * array.type.element_bytes;
    if (bytes == 0) continue;
    buffers_.push_back(pool_.Take(static_cast<std::size_t>(bytes)));
    array.data = buffers_.back().bytes().data();
    places_.push_back(buffers_.back().bytes());
  }
}

}  // namespace maskd
