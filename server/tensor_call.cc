#include "server/tensor_call.h"

#include "kernels/status_macros.h"

namespace maskd {

absl::Status TensorCall::Compute(const TensorWork& work) {
  const absl::Status status = work.compute();
  TensorOps* const instead = devices_.Instead(*ops_, status);
  if (instead == nullptr) return status;
  ops_ = instead;
  return work.compute();
}

absl::Status TensorCall::Respond(std::initializer_list<ResponseTensor> tensors) {
  if (request_.streamed()) {
    fields_ = SerializeWithoutData(tensors);
    data_ = ReserveData(tensors, pool_);
    return absl::OkStatus();
  }
  std::int64_t bytes = 0;
  for (const ResponseTensor& tensor : tensors) bytes += tensor.bytes();
  MASKD_RETURN_IF_ERROR(CheckResponseBytes(bytes, limits_, "send smaller tensors or call StreamTensors"));
  data_ = ReserveTensors(tensors, pool_);
  return absl::OkStatus();
}

absl::Status TensorCall::Respond(const google::protobuf::MessageLite& fields) {
  fields_ = fields.SerializeAsString();
  return absl::OkStatus();
}

grpc::Slice TensorCall::ToMessage() && {
  return data_.bytes().empty() ? grpc::Slice(fields_) : std::move(data_).ToSlice();
}

TensorCall::Streamed TensorCall::ToStream() && {
  return {.fields = std::move(fields_),
          .data = data_.bytes().empty() ? grpc::Slice() : std::move(data_).ToSlice()};
}

}  // namespace maskd
