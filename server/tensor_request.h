// Decode: from a request with tensors to arrays in memory.
#ifndef MASKD_SERVER_TENSOR_REQUEST_H_
#define MASKD_SERVER_TENSOR_REQUEST_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "kernels/tensor_plans.h"
#include "maskd/v1/masking.pb.h"
#include "proto/message_scanner.h"
#include "proto/message_slices.h"
#include "server/reply_pool.h"

namespace maskd {

// What one element is: a type, or a size alone.
struct TensorType {
  v1::ElementType element_type = v1::ELEMENT_TYPE_UNSPECIFIED;
  std::int64_t element_bytes = 0;
};

struct TensorArray {
  absl::string_view name;
  TensorType type;
  Shape shape;
  const std::byte* data = nullptr;  // row-major, aligned to 8 bytes or to its elements
};

// The tensors of fields 1 to 3 of a request: its payloads are where gRPC received
// them, or copied once if that was in pieces.
class TensorRequest {
 public:
  // Refers to `pool`.
  TensorRequest(const grpc::ByteBuffer& request, ReplyPool& pool);

  // Parses all but the payloads.
  //
  // Returns INVALID_ARGUMENT if the request is no serialized message of the type.
  absl::Status Parse(google::protobuf::MessageLite& fields) const;

  // The array of `tensor`, field `field` of the message. Throws std::bad_alloc.
  //
  // Returns INVALID_ARGUMENT if type, shape and size do not go together.
  absl::StatusOr<TensorArray> Array(absl::string_view name, int field, const v1::Tensor& tensor);

 private:
  ReplyPool& pool_;
  const MessageSlices slices_;
  const std::optional<ScannedTensors> message_;
  std::vector<ReplyPool::Buffer> copies_;
};

// What an array is used as. Each returns INVALID_ARGUMENT if its type is none of
// these.
absl::StatusOr<FloatType> FloatTypeOf(const TensorArray& array);
absl::StatusOr<IdsType> IndexTypeOf(const TensorArray& array);  // int64 or int32
absl::StatusOr<IdsType> IdsTypeOf(const TensorArray& array);    // those or uint16
absl::StatusOr<BooleanType> BooleanTypeOf(const TensorArray& array);

}  // namespace maskd

#endif  // MASKD_SERVER_TENSOR_REQUEST_H_
