#include <grpcpp/grpcpp.h>

#include <memory>
#include <new>
#include <optional>

#include "absl/status/status.h"
#include "server/calls.h"
#include "server/status_adapter.h"
#include "server/tensor_stream.h"

namespace maskd {
namespace {

absl::Status NoMemoryIfThrown(auto&& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

}  // namespace

// One message is taken while the next one comes in.
Detached ServeStreamTensors(std::unique_ptr<StreamCall> call, CallParts& parts, LiveCount::Ticket live) {
  const LiveCount::Ticket ticket = std::move(live);
  const IdleWatch::Guard guard(parts.idle_watch, *call);
  {
    TensorStream stream(parts);
    absl::Status status;
    grpc::ByteBuffer incoming;
    call->StartRead(&incoming);
    while (status.ok()) {
      const bool has_come = co_await call->reading;
      co_await parts.workers.Enter();
      if (!has_come) {
        status = NoMemoryIfThrown([&] { return stream.Compute(); });
        break;
      }
      grpc::ByteBuffer message;
      message.Swap(&incoming);
      const bool first = !stream.begun();
      if (!first) call->StartRead(&incoming);
      status = NoMemoryIfThrown([&] { return stream.Take(message); });
      if (first && status.ok()) {
        call->StartSendInitialMetadata();
        call->StartRead(&incoming);
      }
    }
    while (status.ok()) {
      if (!co_await call->writing) {
        status = absl::CancelledError("the caller has gone");
        break;
      }
      const std::optional<grpc::ByteBuffer> message = stream.Next();
      if (!message.has_value()) break;
      call->StartWrite(*message);
    }
    co_await call->writing;
    call->StartFinish(ToGrpcStatus(status, call->context));
    co_await call->writing;
  }
  co_await call->reading;
  co_await call->ended;
}

}  // namespace maskd
