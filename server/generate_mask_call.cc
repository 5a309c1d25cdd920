#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "kernels/masking_plan.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.pb.h"
#include "server/calls.h"
#include "server/decode_request.h"
#include "server/encode_response.h"
#include "server/parse_message.h"
#include "server/stack_arena.h"
#include "server/status_adapter.h"
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
                                         const IsCancelled& is_cancelled) {
  try {
    ReservedResponse response = ReserveGenerateMask(plan, parts.masker.backend(), parts.pool);
    MASKD_RETURN_IF_ERROR(parts.masker.Mask(plan, response.results, is_cancelled));
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
        if (!IsSmall(*plan) || parts.masker.waits()) co_await parts.workers.Enter();
        absl::StatusOr<grpc::Slice> slice = GenerateMask(*plan, parts, [&call] { return call->cancelled(); });
        status = slice.status();
        if (slice.ok()) grpc::ByteBuffer(&*slice, 1).Swap(&response);
      }
    }
    call->StartFinish(ToGrpcStatus(status, call->context), response);
    response.Clear();
    co_await call->finished;
  }
  co_await call->ended;
}

Detached ServeGetServerInfo(std::unique_ptr<MessageCall> call, CallParts& parts, LiveCount::Ticket live) {
  const LiveCount::Ticket ticket = std::move(live);
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
    call->StartFinish(ToGrpcStatus(status, call->context), grpc::ByteBuffer(&slice, 1));
    co_await call->finished;
  }
  co_await call->ended;
}

Detached ServeUnknownMethod(std::unique_ptr<StreamCall> call, LiveCount::Ticket live) {
  const LiveCount::Ticket ticket = std::move(live);
  call->StartFinish({grpc::StatusCode::UNIMPLEMENTED, "there is no method " + call->context.method()});
  co_await call->writing;
  co_await call->ended;
}

}  // namespace maskd
