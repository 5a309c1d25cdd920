// A tensor operation from its request to its response, whichever way they travel.
#ifndef MASKD_SERVER_TENSOR_CALL_H_
#define MASKD_SERVER_TENSOR_CALL_H_

#include <google/protobuf/message_lite.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/tensor_ops.h"
#include "server/limits.h"
#include "server/reply_pool.h"
#include "server/tensor_devices.h"
#include "server/tensor_request.h"
#include "server/tensor_response.h"

namespace maskd {

struct TensorWork;

// Not thread-safe.
class TensorCall {
 public:
  // Refers to all of these. `request` says whether the call is streamed.
  TensorCall(TensorRequest& request, TensorDevices& devices, const Limits& limits, ReplyPool& pool)
      : request_(request), devices_(devices), ops_(&devices.current()), limits_(limits), pool_(pool) {}

  TensorRequest& request() { return request_; }
  TensorOps& ops() { return *ops_; }

  // Computes and responds, on another device if this one fails. Throws
  // std::bad_alloc.
  absl::Status Compute(const TensorWork& work);

  // Makes the response of these tensors, and says where their data goes.
  //
  // Returns RESOURCE_EXHAUSTED if that is over a limit. Throws std::bad_alloc.
  absl::Status Respond(std::initializer_list<ResponseTensor> tensors);
  // Makes a response of numbers alone.
  absl::Status Respond(const google::protobuf::MessageLite& fields);

  // The response of a unary call.
  grpc::Slice ToMessage() &&;

  // That of a streamed call: the message without data, and the data.
  struct Streamed {
    std::string fields;
    grpc::Slice data;
  };
  Streamed ToStream() &&;

 private:
  TensorRequest& request_;
  TensorDevices& devices_;
  TensorOps* ops_;
  const Limits& limits_;
  ReplyPool& pool_;
  std::string fields_;
  ReplyPool::Buffer data_;
};

// What a call is going to do.
struct TensorWork {
  // Of its results, or the most that they can have, and of memory for the time of
  // the work.
  std::int64_t result_bytes = 0;
  std::int64_t scratch_bytes = 0;
  // Computes and responds, when the data of the request is there; as often as it
  // has to be done.
  std::function<absl::Status()> compute;
};

// Each checks a request by all but its data. The work refers to `call`.
absl::StatusOr<TensorWork> PlanGather(TensorCall& call);
absl::StatusOr<TensorWork> PlanScatter(TensorCall& call);
absl::StatusOr<TensorWork> PlanScatterAdd(TensorCall& call);
absl::StatusOr<TensorWork> PlanRestoreTokens(TensorCall& call);
absl::StatusOr<TensorWork> PlanMaskedSelect(TensorCall& call);
absl::StatusOr<TensorWork> PlanPadSequences(TensorCall& call);
absl::StatusOr<TensorWork> PlanMaskedNllLoss(TensorCall& call);
absl::StatusOr<TensorWork> PlanMaskedReconstructionLoss(TensorCall& call);

using TensorPlanner = absl::StatusOr<TensorWork> (*)(TensorCall& call);

}  // namespace maskd

#endif  // MASKD_SERVER_TENSOR_CALL_H_
