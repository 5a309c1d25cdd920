// One tensor operation whose tensors come and go in chunks.
#ifndef MASKD_SERVER_TENSOR_STREAM_H_
#define MASKD_SERVER_TENSOR_STREAM_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/message_scanner.h"
#include "server/calls.h"
#include "server/tensor_call.h"

namespace maskd {

// Not thread-safe. Methods throw std::bad_alloc.
class TensorStream {
 public:
  // Refers to `parts`.
  explicit TensorStream(CallParts& parts) : parts_(parts) {}

  // Whether the first message has come, and room was made.
  bool begun() const { return work_.has_value(); }

  // Takes the next message: the operation, or data.
  //
  // Returns INVALID_ARGUMENT if it breaks a rule, the errors of CallGate::Enter,
  // and RESOURCE_EXHAUSTED if there is no room.
  absl::Status Take(const grpc::ByteBuffer& message);

  // To be called when all messages have come: computes.
  //
  // Returns INVALID_ARGUMENT if some are missing, and the errors of the operation.
  absl::Status Compute();

  // The messages of the response, after Compute; none: all were taken.
  std::optional<grpc::ByteBuffer> Next();

 private:
  absl::Status Begin(std::string operation, int number);
  void TakeData(Fragment data);

  CallParts& parts_;
  std::optional<CallGate::Pass> pass_;
  ByteBudget::Reservation reservation_;
  int number_ = 0;  // of the operation
  std::optional<TensorRequest> request_;
  std::optional<TensorCall> call_;
  std::optional<TensorWork> work_;
  std::int64_t bytes_left_ = 0;
  // Where the next byte goes.
  std::size_t place_ = 0;
  std::size_t place_offset_ = 0;

  std::optional<TensorCall::Streamed> response_;
  bool head_taken_ = false;
  std::size_t data_taken_ = 0;
};

}  // namespace maskd

#endif  // MASKD_SERVER_TENSOR_STREAM_H_
