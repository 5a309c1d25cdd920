#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "kernels/masking_plan.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.pb.h"
#include "proto/message_scanner.h"
#include "proto/message_slices.h"
#include "server/calls.h"
#include "server/decode_request.h"
#include "server/encode_response.h"
#include "server/masked_part.h"
#include "server/status_adapter.h"

namespace maskd {
namespace {

// What the caller says that request and response have together, if it does.
std::optional<std::int64_t> CallBytesOf(const grpc::ServerContextBase& context) {
  const auto found = context.client_metadata().find("maskd-call-bytes");
  std::int64_t bytes = 0;
  if (found == context.client_metadata().end() ||
      !absl::SimpleAtoi(std::string(found->second.data(), found->second.size()), &bytes) || bytes < 0)
    return std::nullopt;
  return bytes;
}

absl::Status CheckTokens(const MaskingPlan& plan, const v1::TokenLayout& layout, std::int64_t bytes) {
  if (bytes == plan.tokens_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("tokens has ", bytes, " bytes; [batch_size ", layout.batch_size(), ", sequence_length ",
                   layout.sequence_length(), ", token_dim ", layout.token_dim(), "] of ",
                   layout.element_bytes(), "-byte elements has ", plan.tokens_bytes));
}

absl::StatusOr<grpc::Slice> RandomMasking(const grpc::ByteBuffer& request, const CallParts& parts,
                                          const IsCancelled& is_cancelled,
                                          ByteBudget::Reservation& reservation) {
  const MessageSlices slices(request);
  const std::optional<ScannedMessage> message = ScanMessage(slices.fragments());
  v1::RandomMaskingRequest fields;
  if (!message.has_value() || !fields.ParseFromString(message->fields))
    return absl::InvalidArgumentError("the request is no serialized maskd.v1.RandomMaskingRequest");
  MASKD_ASSIGN_OR_RETURN(const MaskingSpec spec, DecodeSpec(fields));
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  MASKD_RETURN_IF_ERROR(CheckTokens(plan, fields.layout(), message->payload_bytes));
  MASKD_RETURN_IF_ERROR(CheckLimits(plan, parts.limits));
  const std::int64_t bytes = static_cast<std::int64_t>(request.Length()) + plan.result_bytes.total();
  if (bytes > kSmallCallBytes) MASKD_RETURN_IF_ERROR(parts.budget.Resize(bytes, reservation));

  MaskedPart part(spec, plan,
                  ReserveRandomMasking(plan, *spec.token_type, parts.masker.backend(), parts.pool));
  MASKD_RETURN_IF_ERROR(part.DrawMasks(parts.masker, parts.pool, is_cancelled));
  part.TakeAll(message->payload, parts.gatherer);
  return std::move(part).ToResponse();
}

// Gives up `place` in line once the call has ended, then lets `left` happen.
Detached LeaveLineAtEnd(StreamCall& call, ByteBudget& budget, ByteBudget::Place& place, Event& left) {
  left.Reset();
  co_await call.ended;
  budget.Leave(place);
  left.Set(true);
}

}  // namespace

Detached ServeRandomMasking(std::unique_ptr<StreamCall> call, CallParts& parts, LiveCount::Ticket live) {
  const LiveCount::Ticket ticket = std::move(live);
  const IdleWatch::Guard guard(parts.idle_watch, *call);
  ByteBudget::Place place;
  Event left;
  LeaveLineAtEnd(*call, parts.budget, place, left);
  {
    const absl::StatusOr<CallGate::Pass> pass = parts.gate.Enter();
    absl::Status status = pass.status();
    const std::optional<std::int64_t> call_bytes = CallBytesOf(call->context);
    const std::int64_t bytes = call_bytes.value_or(parts.limits.max_message_bytes);
    if (status.ok() && call_bytes > parts.budget.total_bytes()) {
      status = parts.budget.Resize(bytes, place.reservation);  // says why
    } else if (status.ok() && bytes > kSmallCallBytes) {
      parts.budget.Enter(bytes, place);
      if (!co_await place.turn) status = absl::CancelledError("the caller has gone");
    }

    grpc::ByteBuffer request;
    if (status.ok()) {
      call->StartRead(&request);
      if (!co_await call->reading) status = absl::InvalidArgumentError("the call has no request");
    }

    grpc::ByteBuffer response;
    if (status.ok()) {
      const bool small = static_cast<std::int64_t>(request.Length()) <= kSmallCallBytes;
      if (!small || parts.masker.waits()) co_await parts.workers.Enter();
      try {
        absl::StatusOr<grpc::Slice> slice = RandomMasking(
            request, parts, [&call] { return call->cancelled(); }, place.reservation);
        status = slice.status();
        if (slice.ok()) response = grpc::ByteBuffer(&*slice, 1);
      } catch (const std::bad_alloc&) {
        status = NoMemory();
      }
    }
    if (status.ok()) {
      call->StartWriteAndFinish(response);
    } else {
      call->StartFinish(ToGrpcStatus(status, call->context));
    }
    response.Clear();
    request.Clear();
    co_await call->writing;
    place.reservation.GiveBack();
  }
  co_await left;
}

}  // namespace maskd
