#include "client/tensor_attempt.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <optional>
#include <string>

#include "client/run_stream.h"
#include "kernels/status_macros.h"
#include "maskd/v1/tensor_service.pb.h"
#include "proto/field_head.h"
#include "proto/message_scanner.h"
#include "proto/message_slices.h"

namespace maskd {
namespace {

constexpr char kStreamTensors[] = "/maskd.v1.TensorService/StreamTensors";

// The messages that come back.
class StreamedResult {
 public:
  StreamedResult(int number, const TakeTensors& take) : number_(number), take_(take) {}

  bool done() const { return received_.has_value() && received_->done(); }

  absl::Status Take(const grpc::ByteBuffer& message) {
    const MessageSlices slices(message);
    const std::optional<ScannedMessage> scanned = ScanMessage(slices.fragments());
    v1::StreamTensorsResponse fields;
    if (!scanned.has_value() || !fields.ParseFromString(scanned->fields))
      return absl::InternalError("the server sent no serialized maskd.v1.StreamTensorsResponse");
    if (received_.has_value() == (fields.result_case() != v1::StreamTensorsResponse::RESULT_NOT_SET) ||
        (!received_.has_value() && fields.result_case() != number_)) {
      return absl::InternalError(
          "the server sent another result than was asked for, or not as its first message");
    }
    if (!received_.has_value()) {
      const auto* const result = fields.GetDescriptor()->FindFieldByNumber(number_);
      received_.emplace(fields.GetReflection()->GetMessage(fields, result).SerializeAsString());
      MASKD_RETURN_IF_ERROR(take_(*received_));
    }
    return received_->TakeData(scanned->payload);
  }

 private:
  const int number_;
  const TakeTensors& take_;
  std::optional<ReceivedTensors> received_;
};

}  // namespace

Outcome CallTensorUnary(Connection& connection, const TensorOperation& operation, TensorMessage& request,
                        std::int64_t call_bytes, const CallScope& scope, const TakeTensors& take) {
  grpc::ByteBuffer response;
  Outcome outcome =
      CallUnary(connection, operation.method, request.ToByteBuffer(), call_bytes, scope, &response);
  if (outcome.status.ok()) {
    ReceivedTensors received(response);
    outcome.status = take(received);
  }
  return outcome;
}

bool CanStream(const TensorMessage& request) {
  return std::ssize(request.WithoutPayloads()) <= kStreamHeaderBytes;
}

Outcome CallTensorStream(Connection& connection, const TensorOperation& operation, TensorMessage& request,
                         const CallScope& scope, const TakeTensors& take) {
  bool begun = false;
  std::int64_t sent = 0;
  const auto next = [&]() -> std::optional<grpc::ByteBuffer> {
    if (!begun) {
      begun = true;
      const std::string message = request.WithoutPayloads();
      const grpc::Slice slice(EncodeFieldHead(operation.number, static_cast<std::int64_t>(message.size())) +
                              message);
      return grpc::ByteBuffer(&slice, 1);
    }
    if (sent >= request.payload_bytes()) return std::nullopt;
    const std::int64_t size = request.ChunkBytes(sent, kStreamChunkBytes);
    sent += size;
    return request.PayloadMessage(sent - size, size);
  };
  StreamedResult result(operation.number, take);
  return RunStream(connection, kStreamTensors, scope,
                   {.next = next,
                    .take = [&result](const grpc::ByteBuffer& message) { return result.Take(message); },
                    .done = [&result] { return result.done(); }});
}

}  // namespace maskd
