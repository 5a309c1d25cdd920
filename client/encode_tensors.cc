#include "client/encode_tensors.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/slice.h>

#include "absl/strings/str_cat.h"
#include "client/attempt.h"
#include "client/encode_request.h"
#include "maskd/v1/masking.pb.h"

namespace maskd {
namespace {

// Tag and length of field `number`, a message of `bytes`.
std::string EncodeMessageHead(int number, std::uint64_t bytes) {
  using ::google::protobuf::internal::WireFormatLite;
  using ::google::protobuf::io::CodedOutputStream;
  std::uint8_t head[20];
  std::uint8_t* end = CodedOutputStream::WriteVarint32ToArray(
      WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), head);
  end = CodedOutputStream::WriteVarint64ToArray(bytes, end);
  return {reinterpret_cast<const char*>(head), static_cast<std::size_t>(end - head)};
}

}  // namespace

absl::Status TensorMessage::Add(absl::string_view name, int number, const TensorView& tensor) {
  const TensorForm& form = tensor.form;
  if (form.bytes() < 0 || tensor.data.size() != static_cast<std::uint64_t>(form.bytes())) {
    return absl::InvalidArgumentError(absl::StrCat(name, " has ", tensor.data.size(), " bytes; its shape ",
                                                   ShapeName(form.shape), " of ", form.element_bytes(),
                                                   "-byte elements has another number"));
  }
  v1::Tensor message;
  message.set_element_type(static_cast<v1::ElementType>(form.type));
  if (form.type == ElementType::kOther) message.set_element_bytes(form.other_bytes);
  message.mutable_shape()->Add(form.shape.begin(), form.shape.end());
  std::string inner = message.SerializeAsString();
  if (!tensor.data.empty()) inner += EncodePayloadHead(static_cast<std::int64_t>(tensor.data.size()));
  heads_.push_back(EncodeMessageHead(number, inner.size() + tensor.data.size()) + inner);
  payloads_.emplace_back(tensor.data);
  bytes_ += static_cast<std::int64_t>(heads_.back().size() + tensor.data.size());
  return absl::OkStatus();
}

grpc::ByteBuffer TensorMessage::ToByteBuffer() {
  std::vector<grpc::Slice> slices;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    slices.emplace_back(heads_[i]);
    if (payloads_[i].size() > 0) slices.push_back(payloads_[i].ToSlice(0, payloads_[i].size()));
  }
  if (!fields_.empty()) slices.emplace_back(fields_);
  return {slices.data(), slices.size()};
}

void TensorMessage::TakeBack(Connection& connection) {
  for (BorrowedBytes& payload : payloads_) maskd::TakeBack(payload, connection);
}

}  // namespace maskd
