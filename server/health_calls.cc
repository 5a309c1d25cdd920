// The calls of grpc.health.v1.Health. gRPC has a service of its own for it, which
// brings threads that poll, and so take turns with ours at each socket.
#include <grpcpp/grpcpp.h>

#include <string>
#include <utility>

#include "grpc/health/v1/health.pb.h"
#include "server/calls.h"
#include "server/parse_message.h"

namespace maskd {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

grpc::ByteBuffer Encode(Health::Status status) {
  HealthCheckResponse response;
  response.set_status(status);
  const grpc::Slice slice(response.SerializeAsString());
  return {&slice, 1};
}

// Ends the watch once the call has ended, then lets `left` happen.
Detached LeaveAtEnd(StreamCall& call, Health& health, Health::Watcher& watcher, Event& left) {
  left.Reset();
  co_await call.ended;
  health.Leave(watcher);
  left.Set(true);
}

}  // namespace

Detached ServeHealthCheck(std::unique_ptr<MessageCall> call, CallParts& parts, LiveCount::Ticket live) {
  const LiveCount::Ticket ticket = std::move(live);
  CallRecord record(parts.counts, parts.reporting, Method::kHealthCheck, call->context);
  record.CountReceived(call->request.Length());
  HealthCheckRequest request;
  absl::Status status = ParseMessage(call->request, request);
  const Health::Status health = parts.health.StatusOf(request.service());
  if (status.ok() && health == HealthCheckResponse::SERVICE_UNKNOWN)
    status = absl::NotFoundError("there is no service " + request.service());
  const grpc::ByteBuffer response = Encode(health);
  if (status.ok()) record.BeginSending(response.Length());
  call->StartFinish(record.Finish(status), response);
  record.EndSending(co_await call->finished);
  co_await call->ended;
}

Detached ServeHealthWatch(std::unique_ptr<StreamCall> call, CallParts& parts, LiveCount::Ticket live) {
  const LiveCount::Ticket ticket = std::move(live);
  CallRecord record(parts.counts, parts.reporting, Method::kHealthWatch, call->context);
  Health::Watcher watcher;
  Event left;
  LeaveAtEnd(*call, parts.health, watcher, left);
  grpc::ByteBuffer bytes;
  HealthCheckRequest request;
  call->StartRead(&bytes);
  absl::Status status;
  if (!co_await call->reading) {
    status = absl::InvalidArgumentError("the call has no request");
  } else {
    record.CountReceived(bytes.Length());
    status = ParseMessage(bytes, request);
  }
  record.stages().Enter(Stage::kRest);
  while (status.ok()) {
    const Health::Status health = parts.health.StatusOf(request.service());
    const grpc::ByteBuffer response = Encode(health);
    record.BeginSending(response.Length());
    call->StartWrite(response);
    const bool written = co_await call->writing;
    record.EndMessage(written);
    parts.health.Wait(request.service(), health, watcher);
    const bool changed = co_await watcher.changed;
    co_await call->poller.Enter();
    if (!written || !changed) status = absl::UnavailableError("this server shuts down; ask another replica");
  }
  call->StartFinish(record.Finish(status));
  record.EndSending(co_await call->writing);
  co_await left;
}

}  // namespace maskd
