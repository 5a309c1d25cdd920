#include "server/tensor_stream.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "maskd/v1/tensor_service.pb.h"
#include "proto/field_head.h"
#include "proto/message_slices.h"
#include "server/bulk_works.h"
#include "server/limits.h"

namespace maskd {
namespace {

// Data of one message of the response.
constexpr std::size_t kChunkBytes = std::size_t{2} << 20;

}  // namespace

absl::Status TensorStream::Take(const grpc::ByteBuffer& message) {
  const MessageSlices slices(message);
  const std::optional<ScannedMessage> scanned = ScanMessage(slices.fragments());
  v1::StreamTensorsRequest fields;
  if (!scanned.has_value() || !fields.ParseFromString(scanned->fields)) {
    return absl::InvalidArgumentError(
        "a message of the stream is no serialized maskd.v1.StreamTensorsRequest");
  }
  if (const int number = fields.operation_case(); number != v1::StreamTensorsRequest::OPERATION_NOT_SET) {
    if (static_cast<std::int64_t>(scanned->fields.size()) > kMaxHeaderBytes) {
      return TooLarge(absl::StrCat("the first message has ", scanned->fields.size(),
                                   " bytes without data; it may have ", kMaxHeaderBytes));
    }
    const auto* const operation = fields.GetDescriptor()->FindFieldByNumber(number);
    MASKD_RETURN_IF_ERROR(
        Begin(fields.GetReflection()->GetMessage(fields, operation).SerializeAsString(), number));
  }
  const std::int64_t bytes = scanned->payload.bytes;
  if (!begun()) return absl::InvalidArgumentError("the first message of the stream has no operation");
  if (bytes > kMaxChunkBytes) {
    return absl::InvalidArgumentError(absl::StrCat("data of one message has ", bytes, " bytes; it may have ",
                                                   kMaxChunkBytes, ", send smaller chunks"));
  }
  if (bytes > bytes_left_) {
    return absl::InvalidArgumentError(absl::StrCat("the data goes on for ", bytes - bytes_left_,
                                                   " bytes after the ", request_->streamed_bytes(),
                                                   " of the tensors"));
  }
  for (const Fragment data : scanned->payload.fragments) TakeData(data);
  return absl::OkStatus();
}

absl::Status TensorStream::Begin(std::string operation, int number) {
  if (begun()) return absl::InvalidArgumentError("an operation comes after another; a stream has one");
  MASKD_ASSIGN_OR_RETURN(CallGate::Pass pass, parts_.gate.Enter());
  pass_.emplace(std::move(pass));
  number_ = number;
  request_.emplace(std::move(operation), parts_.pool);
  call_.emplace(*request_, parts_.tensor_devices, parts_.limits, parts_.pool);
  MASKD_ASSIGN_OR_RETURN(TensorWork work, FindStreamedOperation(number)(*call_));
  bytes_left_ = request_->streamed_bytes();
  const std::int64_t bytes = bytes_left_ + kMessagesHeld * std::min(bytes_left_, kMaxChunkBytes) +
                             work.result_bytes + work.scratch_bytes;
  if (bytes > kSmallCallBytes) MASKD_RETURN_IF_ERROR(parts_.budget.Resize(bytes, reservation_));
  request_->Reserve();
  work_ = std::move(work);
  return absl::OkStatus();
}

void TensorStream::TakeData(Fragment data) {
  bytes_left_ -= static_cast<std::int64_t>(data.size());
  while (!data.empty()) {
    const std::span<std::byte> place = request_->places()[place_].subspan(place_offset_);
    const std::size_t size = std::min(place.size(), data.size());
    std::memcpy(place.data(), data.data(), size);
    data = data.subspan(size);
    place_offset_ += size;
    if (size < place.size()) continue;
    ++place_;
    place_offset_ = 0;
  }
}

absl::Status TensorStream::Compute() {
  if (!begun()) return absl::InvalidArgumentError("the stream ended before its first message");
  if (bytes_left_ > 0) {
    return absl::InvalidArgumentError(absl::StrCat("the stream ended ", bytes_left_, " bytes before the ",
                                                   request_->streamed_bytes(), " of its tensors"));
  }
  MASKD_RETURN_IF_ERROR(call_->Compute(*work_));
  response_ = (*std::move(call_)).ToStream();
  return absl::OkStatus();
}

std::optional<grpc::ByteBuffer> TensorStream::Next() {
  if (!head_taken_) {
    head_taken_ = true;
    v1::StreamTensorsResponse head;
    // The result of an operation has its number.
    const auto* const result = head.GetDescriptor()->FindFieldByNumber(number_);
    head.GetReflection()->MutableMessage(&head, result)->ParsePartialFromString(response_->fields);
    const grpc::Slice slice(head.SerializeAsString());
    return grpc::ByteBuffer(&slice, 1);
  }
  const std::size_t size = std::min(kChunkBytes, response_->data.size() - data_taken_);
  if (size == 0) return std::nullopt;
  const grpc::Slice slices[] = {grpc::Slice(EncodePayloadHead(static_cast<std::int64_t>(size))),
                                response_->data.sub(data_taken_, data_taken_ + size)};
  data_taken_ += size;
  return grpc::ByteBuffer(slices, 2);
}

}  // namespace maskd
