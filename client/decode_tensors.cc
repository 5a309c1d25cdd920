#include "client/decode_tensors.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace maskd {

absl::Status ReceivedTensors::Parse(google::protobuf::MessageLite& fields) const {
  if (message_.has_value() && fields.ParseFromString(message_->fields)) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the server sent no serialized ", fields.GetTypeName()));
}

absl::StatusOr<Tensor> ReceivedTensors::Take(absl::string_view name, int number, const v1::Tensor& tensor,
                                             const TensorForm& form) const {
  const bool same_type = tensor.element_type() == static_cast<v1::ElementType>(form.type) &&
                         (form.type != ElementType::kOther || tensor.element_bytes() == form.other_bytes);
  const Shape shape(tensor.shape().begin(), tensor.shape().end());
  if (!same_type || shape != form.shape) {
    return absl::InternalError(absl::StrCat("the server sent as ", name, " a tensor of type ",
                                            tensor.element_type(), " and shape ", ShapeName(shape),
                                            " where type ", static_cast<int>(form.type), " and shape ",
                                            ShapeName(form.shape), " were asked for"));
  }
  const Payload& payload = message_->payloads[static_cast<std::size_t>(number - 1)];
  if (payload.bytes != form.bytes()) {
    return absl::InternalError(absl::StrCat("the server sent ", payload.bytes, " bytes as ", name, " where ",
                                            form.bytes(), " were asked for"));
  }
  Tensor result = {.form = form};
  result.data.reserve(static_cast<std::size_t>(payload.bytes));
  for (const Fragment fragment : payload.fragments)
    result.data.append(reinterpret_cast<const char*>(fragment.data()), fragment.size());
  return result;
}

}  // namespace maskd
