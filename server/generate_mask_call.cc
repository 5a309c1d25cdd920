#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "kernels/masking_plan.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.pb.h"
#include "server/calls.h"
#include "server/decode_request.h"
#include "server/encode_response.h"
#include "server/mask_in_stages.h"
#include "server/parse_message.h"
#include "server/retry_delay.h"
#include "server/stack_arena.h"
#include "server/version.h"

namespace maskd {
namespace {

absl::StatusOr<MaskingPlan> Plan(const v1::GenerateMaskRequest& request, const Limits& limits) {
  MASKD_ASSIGN_OR_RETURN(const MaskingSpec spec, DecodeSpec(request));
  MASKD_ASSIGN_OR_RETURN(MaskingPlan plan, MakeMaskingPlan(spec));
  MASKD_RETURN_IF_ERROR(CheckLimits(plan, limits));
  return plan;
}

absl::StatusOr<grpc::Slice> GenerateMask(const MaskingPlan& plan, const CallParts& parts,
                                         const IsCancelled& is_cancelled, StageClock& stages) {
  try {
    ReservedResponse response = ReserveGenerateMask(plan, parts.masker.backend(), parts.pool);
    stages.Enter(Stage::kOrder);
    MASKD_RETURN_IF_ERROR(MaskInStages(parts.masker, plan, response.results, is_cancelled, stages));
    return std::move(response.buffer).ToSlice();
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

// A mask of a short skip, over in microseconds.
bool IsSmall(const MaskingPlan& plan) {
  return plan.batch_size * plan.sequence_length <= kSmallCallTokens &&
         (plan.noise_source != NoiseSource::kTorchCpu || plan.torch_skip <= kSmallCallTokens);
}

}  // namespace

Detached ServeGenerateMask(std::unique_ptr<MessageCall> call, CallParts& parts, LiveCount::Ticket live) {
  const LiveCount::Ticket ticket = std::move(live);
  // Apart, so that malloc keeps the memory of this coroutine, below a KiB, for the next call.
  const auto record =
      std::make_unique<CallRecord>(parts.counts, parts.reporting, Method::kGenerateMask, call->context);
  record->CountReceived(call->request.Length());
  {
    const absl::StatusOr<CallGate::Pass> pass = parts.gate.Enter();
    absl::Status status = pass.status();
    StackArena arena;
    auto& request = arena.New<v1::GenerateMaskRequest>();  // the plan refers to it
    if (status.ok()) status = ParseMessage(call->request, request);
    ByteBudget::Reservation reservation;
    grpc::ByteBuffer response;
    if (status.ok()) {
      const absl::StatusOr<MaskingPlan> plan = Plan(request, parts.limits);
      status = plan.status();
      if (plan.ok()) {
        const std::int64_t bytes =
            static_cast<std::int64_t>(call->request.Length()) + plan->result_bytes.total();
        if (bytes > kSmallCallBytes) status = parts.budget.Resize(bytes, reservation);
      }
      if (status.ok()) {
        if (!IsSmall(*plan) || parts.masker.waits()) {
          record->stages().Enter(Stage::kQueue);
          co_await parts.workers.Enter();
        }
        absl::StatusOr<grpc::Slice> slice = GenerateMask(
            *plan, parts, [&call] { return call->cancelled(); }, record->stages());
        status = slice.status();
        if (slice.ok()) {
          record->CountBatch(plan->noise_source);
          grpc::ByteBuffer(&*slice, 1).Swap(&response);
        }
        co_await call->poller.Enter();
      }
    }
    record->BeginSending(response.Length());
    call->StartFinish(record->Finish(status), response);
    response.Clear();
    record->EndSending(co_await call->finished);
  }
  co_await call->ended;
}

Detached ServeGetServerInfo(std::unique_ptr<MessageCall> call, CallParts& parts, LiveCount::Ticket live) {
  const LiveCount::Ticket ticket = std::move(live);
  CallRecord record(parts.counts, parts.reporting, Method::kGetServerInfo, call->context);
  record.CountReceived(call->request.Length());
  {
    const absl::StatusOr<CallGate::Pass> pass = parts.gate.Enter();
    absl::Status status = pass.status();
    v1::GetServerInfoRequest request;
    if (status.ok()) status = ParseMessage(call->request, request);
    v1::GetServerInfoResponse info;
    info.set_version(kVersion);
    info.set_backend(parts.masker.backend());
    info.set_device_name(parts.masker.device_name());
    info.set_algorithm_version(kAlgorithmVersion);
    v1::ServerLimits& limits = *info.mutable_limits();
    limits.set_max_message_bytes(parts.limits.max_message_bytes);
    limits.set_max_sequence_length(kMaxSequenceLength);
    limits.set_max_batch_tokens(parts.limits.max_batch_tokens);
    limits.set_max_element_bytes(kMaxElementBytes);
    limits.set_max_inflight_bytes(parts.limits.max_inflight_bytes);
    limits.set_max_chunk_bytes(kMaxChunkBytes);
    limits.set_max_header_bytes(kMaxHeaderBytes);
    limits.set_max_idle_seconds(parts.limits.max_idle.count());
    for (DeviceState& state : parts.masker.devices()) {
      v1::Device& device = *info.add_devices();
      device.set_id(std::move(state.id));
      device.set_backend(std::move(state.backend));
      device.set_name(std::move(state.name));
      device.set_healthy(state.healthy);
      device.set_error(std::move(state.error));
    }
    const grpc::Slice slice(info.SerializeAsString());
    if (status.ok()) record.BeginSending(slice.size());
    call->StartFinish(record.Finish(status), grpc::ByteBuffer(&slice, 1));
    record.EndSending(co_await call->finished);
  }
  co_await call->ended;
}

Detached ServeUnknownMethod(std::unique_ptr<StreamCall> call, CallParts& parts, LiveCount::Ticket live) {
  const LiveCount::Ticket ticket = std::move(live);
  CallRecord record(parts.counts, parts.reporting, Method::kOther, call->context);
  call->StartFinish(record.Finish(absl::UnimplementedError("there is no method " + call->context.method())));
  record.EndSending(co_await call->writing);
  co_await call->ended;
}

}  // namespace maskd
