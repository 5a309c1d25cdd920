#include <grpcpp/grpcpp.h>

#include <memory>
#include <new>
#include <optional>

#include "absl/status/status.h"
#include "server/calls.h"
#include "server/retry_delay.h"
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
  CallRecord record(parts.counts, parts.reporting, Method::kStreamTensors, call->context);
  StageClock& stages = record.stages();
  const IdleWatch::Guard guard(parts.idle_watch, *call);
  {
    TensorStream stream(parts);
    absl::Status status;
    grpc::ByteBuffer incoming;
    call->StartRead(&incoming);
    while (status.ok()) {
      stages.Enter(Stage::kReceive);
      const bool has_come = co_await call->reading;
      const bool first = !stream.begun();
      grpc::ByteBuffer message;
      if (has_come) {
        message.Swap(&incoming);
        record.CountReceived(message.Length());
        if (!first) call->StartRead(&incoming);
      }
      stages.Enter(Stage::kQueue);
      co_await parts.workers.Enter();
      stages.Enter(has_come ? Stage::kDecode : Stage::kCompute);
      status = NoMemoryIfThrown([&] { return has_come ? stream.Take(message) : stream.Compute(); });
      message.Clear();
      co_await call->poller.Enter();
      if (!has_come) break;
      if (first && status.ok()) {
        call->StartSendInitialMetadata();
        call->StartRead(&incoming);
      }
    }
    if (status.ok()) stages.Enter(Stage::kSend);
    while (status.ok()) {
      const bool written = co_await call->writing;
      record.EndMessage(written);
      if (!written) {
        status = absl::CancelledError("the caller has gone");
        break;
      }
      const std::optional<grpc::ByteBuffer> message = stream.Next();
      if (!message.has_value()) break;
      record.BeginSending(message->Length());
      call->StartWrite(*message);
    }
    record.EndMessage(co_await call->writing);
    call->StartFinish(record.Finish(status));
    record.EndSending(co_await call->writing);
  }
  co_await call->reading;
  co_await call->ended;
}

}  // namespace maskd
