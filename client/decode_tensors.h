// Responses with tensors: from the wire to memory of the caller's.
#ifndef MASKD_CLIENT_DECODE_TENSORS_H_
#define MASKD_CLIENT_DECODE_TENSORS_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/tensor.h"
#include "maskd/v1/masking.pb.h"
#include "proto/message_scanner.h"
#include "proto/message_slices.h"

namespace maskd {

// A response whose fields 1 to 3 are tensors. Of a unary call, their payloads are
// where gRPC received them; of a streamed call, they are yet to come.
class ReceivedTensors {
 public:
  // Of a unary call.
  explicit ReceivedTensors(const grpc::ByteBuffer& response)
      : slices_(std::make_unique<MessageSlices>(response)), message_(ScanTensors(slices_->fragments())) {}
  // Of a streamed call: the serialized message without payloads.
  explicit ReceivedTensors(std::string fields)
      : message_(ScannedTensors{.fields = std::move(fields), .payloads = {}}) {}

  // Parses all but the payloads.
  //
  // Returns INTERNAL if the response is no serialized message of the type.
  absl::Status Parse(google::protobuf::MessageLite& fields) const;

  // Makes `result` the tensor of field `number`, which Parse made `tensor` of. The
  // payload is copied once; that of a streamed call when it comes, so `result`
  // must live, and tensors are to be taken in the order of their fields.
  //
  // Returns INTERNAL if it is not of `form`, that which was asked for.
  absl::Status Take(absl::string_view name, int number, const v1::Tensor& tensor, const TensorForm& form,
                    Tensor& result);

  // Of a streamed call: takes the next of the payloads.
  //
  // Returns INTERNAL if that is more than was asked for.
  absl::Status TakeData(const Payload& payload);
  // Whether they are whole.
  bool done() const { return coming_.empty(); }

 private:
  const std::unique_ptr<const MessageSlices> slices_;  // none of a streamed call
  const std::optional<ScannedTensors> message_;
  std::deque<Tensor*> coming_;  // those that are not whole
};

}  // namespace maskd

#endif  // MASKD_CLIENT_DECODE_TENSORS_H_
