#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/metadata_keys.h"
#include "server/calls.h"
#include "server/retry_delay.h"

namespace maskd {
namespace {

// What the caller says that request and response have together, if it does.
std::optional<std::int64_t> CallBytesOf(const grpc::ServerContextBase& context) {
  const auto found = context.client_metadata().find(kCallBytesKey);
  std::int64_t bytes = 0;
  if (found == context.client_metadata().end() ||
      !absl::SimpleAtoi(std::string(found->second.data(), found->second.size()), &bytes) || bytes < 0)
    return std::nullopt;
  return bytes;
}

// Gives up `place` in line once the call has ended, then lets `left` happen.
Detached LeaveLineAtEnd(StreamCall& call, ByteBudget& budget, ByteBudget::Place& place, Event& left) {
  left.Reset();
  co_await call.ended;
  budget.Leave(place);
  left.Set(true);
}

}  // namespace

Detached ServeBulk(std::unique_ptr<StreamCall> call, const BulkMethod& method, CallParts& parts,
                   LiveCount::Ticket live) {
  const LiveCount::Ticket ticket = std::move(live);
  CallRecord record(parts.counts, parts.reporting, method.method, call->context);
  StageClock& stages = record.stages();
  const IdleWatch::Guard guard(parts.idle_watch, *call);
  ByteBudget::Place place;
  Event left;
  LeaveLineAtEnd(*call, parts.budget, place, left);
  {
    const absl::StatusOr<CallGate::Pass> pass = parts.gate.Enter();
    absl::Status status = pass.status();
    const std::optional<std::int64_t> call_bytes = CallBytesOf(call->context);
    const std::int64_t said = call_bytes.value_or(parts.limits.max_message_bytes);
    const bool copies = method.on_tensors || parts.landing != nullptr;
    const std::int64_t bytes = copies && said <= parts.budget.total_bytes() ? 2 * said : said;
    if (status.ok() && call_bytes > parts.budget.total_bytes()) {
      status = parts.budget.Resize(bytes, place.reservation);  // says why
    } else if (status.ok() && call_bytes > 2 * parts.limits.max_message_bytes) {
      // gRPC would refuse the request, and say so to the caller alone.
      status = TooLarge(absl::StrCat("request and response have ", *call_bytes,
                                     " bytes; this server takes and sends messages of at most ",
                                     parts.limits.max_message_bytes, " (--max_message_bytes), ",
                                     method.on_tensors ? "send smaller tensors or call StreamTensors"
                                                       : "send smaller batches or call StreamRandomMasking"));
    } else if (status.ok() && bytes > kSmallCallBytes) {
      stages.Enter(Stage::kAdmission);
      parts.budget.Enter(bytes, place);
      if (!co_await place.turn) status = absl::CancelledError("the caller has gone");
      co_await call->poller.Enter();
    }

    grpc::ByteBuffer request;
    if (status.ok() && bytes > kSmallCallBytes) {
      call->context.AddInitialMetadata(kAdmittedKey, "1");
      call->StartSendInitialMetadata();
    }
    if (status.ok()) {
      stages.Enter(Stage::kReceive);
      call->StartRead(&request);
      if (!co_await call->reading) {
        status = absl::InvalidArgumentError(
            absl::StrCat("no request came: the caller sent none or has gone, its deadline has passed, or the "
                         "request is compressed or has more than ",
                         parts.limits.max_message_bytes, " bytes (--max_message_bytes)"));
      }
    }

    grpc::ByteBuffer response;
    if (status.ok()) {
      record.CountReceived(request.Length());
      const bool small = static_cast<std::int64_t>(request.Length()) <= kSmallCallBytes;
      if (!small || method.on_tensors || parts.masker.waits()) {
        stages.Enter(Stage::kQueue);
        co_await parts.workers.Enter();
      }
      stages.Enter(Stage::kDecode);
      try {
        absl::StatusOr<grpc::Slice> slice = method.work(
            request, parts, [&call] { return call->cancelled(); }, place.reservation, record);
        status = slice.status();
        if (slice.ok()) response = grpc::ByteBuffer(&*slice, 1);
      } catch (const std::bad_alloc&) {
        status = NoMemory();
      }
      co_await call->poller.Enter();
    }
    co_await call->writing;
    const grpc::Status ending = record.Finish(status);
    if (status.ok()) {
      record.BeginSending(response.Length());
      call->StartWriteAndFinish(response);
    } else {
      call->StartFinish(ending);
    }
    response.Clear();
    request.Clear();
    record.EndSending(co_await call->writing);
    place.reservation.GiveBack();
  }
  co_await left;
}

}  // namespace maskd
