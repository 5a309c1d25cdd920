#include "client/decode_tensors.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"

namespace maskd {

absl::Status ReceivedTensors::Parse(google::protobuf::MessageLite& fields) const {
  if (message_.has_value() && fields.ParseFromString(message_->fields)) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the server sent no serialized ", fields.GetTypeName()));
}

absl::Status ReceivedTensors::Take(absl::string_view name, int number, const v1::Tensor& tensor,
                                   const TensorForm& form, Tensor& result) {
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
  if (slices_ != nullptr && payload.bytes != form.bytes()) {
    return absl::InternalError(absl::StrCat("the server sent ", payload.bytes, " bytes as ", name, " where ",
                                            form.bytes(), " were asked for"));
  }
  result = {.form = form};
  result.data.reserve(static_cast<std::size_t>(form.bytes()));
  if (slices_ == nullptr) {
    if (form.bytes() > 0) coming_.push_back(&result);
    return absl::OkStatus();
  }
  for (const Fragment fragment : payload.fragments)
    result.data.append(reinterpret_cast<const char*>(fragment.data()), fragment.size());
  return absl::OkStatus();
}

absl::Status ReceivedTensors::TakeData(const Payload& payload) {
  for (Fragment fragment : payload.fragments) {
    while (!fragment.empty()) {
      if (coming_.empty()) return absl::InternalError("the server sent more data than was asked for");
      Tensor& tensor = *coming_.front();
      const std::size_t left = static_cast<std::size_t>(tensor.form.bytes()) - tensor.data.size();
      const std::size_t size = std::min(left, fragment.size());
      tensor.data.append(reinterpret_cast<const char*>(fragment.data()), size);
      fragment = fragment.subspan(size);
      if (size == left) coming_.pop_front();
    }
  }
  return absl::OkStatus();
}

}  // namespace maskd
