// One attempt of a call, and when to make another.
#ifndef MASKD_CLIENT_ATTEMPT_H_
#define MASKD_CLIENT_ATTEMPT_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/borrowed_bytes.h"
#include "client/connection.h"
#include "client/masking_client.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "kernels/masking_spec.h"

namespace maskd {

// The error of a call that took too long.
absl::Status DeadlinePassed();

// What bounds a call, and each attempt of it.
struct CallScope {
  std::chrono::system_clock::time_point deadline;
  std::stop_token stop;
  int attempt = 1;  // which one it is

  bool ended() const { return stop.stop_requested() || std::chrono::system_clock::now() >= deadline; }
  // CANCELLED or DEADLINE_EXCEEDED if it has ended.
  absl::Status Check() const;
};

// A connection to `address`, which CheckAddress has found well-formed.
std::unique_ptr<Connection> Dial(const std::string& address, const MaskingClient::Options& options);

// How long a call may take, within what clocks can count.
std::chrono::milliseconds TimeoutOf(const MaskingClient::Options& options, const CallLimits& limits);

// The scope of a call that begins now.
CallScope BeginCall(const MaskingClient::Options& options, const CallLimits& limits);

// How an attempt ended.
struct Outcome {
  absl::Status status;
  // The server's advice when to come back, if it gave one.
  std::optional<std::chrono::milliseconds> retry_delay = {};
};

// The delay that the server advised with the error that Retry returned.
std::optional<std::chrono::milliseconds> AdvisedDelay(const absl::Status& status);

// How an attempt ended that the server said OK to and not all of whose answer came. gRPC
// throws away what was not read of a call that is cancelled or late, and keeps the status
// if that had come: then it is the scope that ended, else MalformedAnswer(message).
Outcome AnswerMissing(const CallScope& scope, absl::string_view message);

// Makes attempts until one succeeds, fails for good, or the call must end.
// UNAVAILABLE is tried again `max_attempts` times in all, RESOURCE_EXHAUSTED
// with a retry delay until the deadline if `wait_for_room`.
absl::Status Retry(CallScope scope, int max_attempts, bool wait_for_room,
                   const std::function<Outcome(const CallScope& scope)>& attempt);

// Has `context` end with `scope` at its deadline, and tells the server of an attempt that is
// not the first.
void SetScope(const CallScope& scope, grpc::ClientContext& context);

// Tells the server how many bytes request and response have together; 0: does not.
void SetCallBytes(std::int64_t call_bytes, grpc::ClientContext& context);

// An attempt of a unary call that has begun. When it has ended its `tag` comes out of
// `queue`, for which it must be kept.
class UnaryCall {
 public:
  // `call_bytes` (0: not said) is what request and response have together.
  UnaryCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
            const grpc::ByteBuffer& request, std::int64_t call_bytes, const CallScope& scope,
            grpc::CompletionQueue& queue, void* tag);

  void Cancel() { context_.TryCancel(); }
  const std::stop_token& stop() const { return scope_.stop; }

  // Of a call that has ended.
  Outcome outcome() const;
  grpc::ByteBuffer& response() { return response_; }

 private:
  struct CancelContext {
    grpc::ClientContext* context;
    void operator()() const { context->TryCancel(); }
  };

  const CallScope scope_;
  grpc::ClientContext context_;
  const std::stop_callback<CancelContext> cancel_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
};

// Sends `request` to the unary `method` and waits for the response. `call_bytes`
// (0: not said) is what request and response have together; of a large call the
// request may wait here until the server has room.
Outcome CallUnary(Connection& connection, const std::string& method, const grpc::ByteBuffer& request,
                  std::int64_t call_bytes, const CallScope& scope, grpc::ByteBuffer* response);

// CallUnary for a large call.
Outcome CallLarge(Connection& connection, const std::string& method, const grpc::ByteBuffer& request,
                  std::int64_t call_bytes, const CallScope& scope, grpc::ByteBuffer* response);

// Waits until gRPC has let go of `bytes`, whose call has ended. If a server that has
// stopped reading keeps it from that, its connection is broken off after a moment.
void TakeBack(BorrowedBytes& bytes, Connection& connection);

// Whether the noise and the id of one sample fit in a header, without which a
// batch cannot be streamed.
bool CanStream(const MaskingSpec& spec);

// Streams the batch of `spec` and `plan` and writes its results. `tokens` are
// the plan's.
Outcome CallStream(Connection& connection, const MaskingSpec& spec, const MaskingPlan& plan,
                   BorrowedBytes& tokens, const MaskingBuffers& results, const CallScope& scope,
                   MaskingFacts& facts);

}  // namespace maskd

#endif  // MASKD_CLIENT_ATTEMPT_H_
