// Decode: from a request with tensors to arrays in memory.
#ifndef MASKD_SERVER_TENSOR_REQUEST_H_
#define MASKD_SERVER_TENSOR_REQUEST_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "kernels/tensor_form.h"
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

  // For its plan. The numbers of types are the wire's.
  TensorForm form() const {
    return {.type = ElementType{type.element_type}, .other_bytes = type.element_bytes, .shape = shape};
  }
};

// The tensors of fields 1 to 3 of a request. Of a unary call, their data is where
// gRPC received it, or copied once if that was in pieces. Of a streamed call, it
// is yet to come.
class TensorRequest {
 public:
  // Of a unary call. Refers to `pool`.
  TensorRequest(const grpc::ByteBuffer& request, ReplyPool& pool);
  // Of a streamed call: the serialized message, its tensors without data.
  TensorRequest(std::string fields, ReplyPool& pool);

  bool streamed() const { return slices_ == nullptr; }

  // Parses all but the payloads.
  //
  // Returns INVALID_ARGUMENT if the request is no serialized message of the type.
  absl::Status Parse(google::protobuf::MessageLite& fields) const;

  // The array of `tensor`, field `field` of the message, to be asked for in the
  // order of fields. It lives as long as the request; that of a streamed call has
  // its data after Reserve. Throws std::bad_alloc.
  //
  // Returns INVALID_ARGUMENT if type, shape and size do not go together, and
  // RESOURCE_EXHAUSTED if the array is too large for any stream.
  absl::StatusOr<const TensorArray*> Array(absl::string_view name, int field, const v1::Tensor& tensor);

  // Of a streamed call: how many bytes the arrays have that were asked for.
  std::int64_t streamed_bytes() const { return streamed_bytes_; }
  // Reserves memory for them. Throws std::bad_alloc.
  void Reserve();
  // Where the data goes, in order.
  std::span<const std::span<std::byte>> places() const { return places_; }

 private:
  absl::Status TakeData(const Payload& payload, TensorArray& array);
  absl::Status ExpectData(const v1::Tensor& tensor, const TensorArray& array);

  ReplyPool& pool_;
  const std::unique_ptr<const MessageSlices> slices_;  // none of a streamed call
  const std::optional<ScannedTensors> message_;
  std::deque<TensorArray> arrays_;
  std::vector<ReplyPool::Buffer> buffers_;
  std::int64_t streamed_bytes_ = 0;
  std::vector<std::span<std::byte>> places_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_TENSOR_REQUEST_H_
