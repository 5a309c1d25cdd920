// One attempt of a tensor operation.
#ifndef MASKD_CLIENT_TENSOR_ATTEMPT_H_
#define MASKD_CLIENT_TENSOR_ATTEMPT_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "client/attempt.h"
#include "client/connection.h"
#include "client/decode_tensors.h"
#include "client/encode_tensors.h"

namespace maskd {

// How an operation is called: the unary method, and the field of
// StreamTensorsRequest.
struct TensorOperation {
  const char* method;
  int number;
};

// Looks at a response, and takes its tensors.
using TakeTensors = std::function<absl::Status(ReceivedTensors&)>;

// `call_bytes` is what request and response have together.
Outcome CallTensorUnary(Connection& connection, const TensorOperation& operation, TensorMessage& request,
                        std::int64_t call_bytes, const CallScope& scope, const TakeTensors& take);

// Whether the request without its payloads is small enough to be streamed.
bool CanStream(const TensorMessage& request);

Outcome CallTensorStream(Connection& connection, const TensorOperation& operation, TensorMessage& request,
                         const CallScope& scope, const TakeTensors& take);

}  // namespace maskd

#endif  // MASKD_CLIENT_TENSOR_ATTEMPT_H_
