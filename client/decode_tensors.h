// Responses with tensors: from the wire to memory of the caller's.
#ifndef MASKD_CLIENT_DECODE_TENSORS_H_
#define MASKD_CLIENT_DECODE_TENSORS_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/tensor.h"
#include "maskd/v1/masking.pb.h"
#include "proto/message_scanner.h"
#include "proto/message_slices.h"

namespace maskd {

// A response whose fields 1 to 3 are tensors, their payloads where gRPC received
// them.
class ReceivedTensors {
 public:
  explicit ReceivedTensors(const grpc::ByteBuffer& response)
      : slices_(response), message_(ScanTensors(slices_.fragments())) {}

  // Parses all but the payloads.
  //
  // Returns INTERNAL if the response is no serialized message of the type.
  absl::Status Parse(google::protobuf::MessageLite& fields) const;

  // The tensor of field `number`, which Parse made `tensor` of. Copies its
  // payload once.
  //
  // Returns INTERNAL if it is not of `form`, that which was asked for.
  absl::StatusOr<Tensor> Take(absl::string_view name, int number, const v1::Tensor& tensor,
                              const TensorForm& form) const;

 private:
  const MessageSlices slices_;
  const std::optional<ScannedTensors> message_;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_DECODE_TENSORS_H_
