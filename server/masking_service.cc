#include "server/masking_service.h"

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "kernels/masking_plan.h"
#include "kernels/status_macros.h"
#include "server/decode_request.h"
#include "server/encode_response.h"
#include "server/status_adapter.h"
#include "server/version.h"

namespace maskd {
namespace {

absl::Status CheckTokens(const MaskingPlan& plan, const v1::RandomMaskingRequest& request) {
  if (request.tokens().size() == static_cast<std::uint64_t>(plan.tokens_bytes)) return absl::OkStatus();
  const v1::TokenLayout& layout = request.layout();
  return absl::InvalidArgumentError(
      absl::StrCat("tokens has ", request.tokens().size(), " bytes; [batch_size ", layout.batch_size(),
                   ", sequence_length ", layout.sequence_length(), ", token_dim ", layout.token_dim(),
                   "] of ", layout.element_bytes(), "-byte elements has ", plan.tokens_bytes));
}

// Runs `call` (a function that returns absl::Status) if `gate` is open.
template <typename Call>
grpc::Status Answer(CallGate* gate, const Call& call) {
  const absl::StatusOr<CallGate::Pass> pass = gate->Enter();
  if (!pass.ok()) return ToGrpcStatus(pass.status());
  try {
    return ToGrpcStatus(call());
  } catch (const std::bad_alloc&) {
    return ToGrpcStatus(absl::ResourceExhaustedError(
        "the server has no memory for this call; retry later or send smaller batches"));
  }
}

}  // namespace

MaskingService::MaskingService(Masker* masker, CallGate* gate, const Limits& limits)
    : masker_(masker), gate_(gate), limits_(limits) {}

grpc::Status MaskingService::RandomMasking(grpc::ServerContext* context,
                                           const v1::RandomMaskingRequest* request,
                                           v1::RandomMaskingResponse* response) {
  return Answer(gate_, [&]() -> absl::Status {
    MASKD_ASSIGN_OR_RETURN(const MaskingSpec spec, DecodeSpec(*request));
    MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
    MASKD_RETURN_IF_ERROR(CheckTokens(plan, *request));
    MASKD_RETURN_IF_ERROR(CheckLimits(plan, limits_));
    MaskingBuffers buffers = ReserveResponse(plan, masker_->backend(), request->layout(), response);
    buffers.tokens = reinterpret_cast<const std::byte*>(request->tokens().data());
    return masker_->Mask(plan, buffers, [context] { return context->IsCancelled(); });
  });
}

grpc::Status MaskingService::GenerateMask(grpc::ServerContext* context,
                                          const v1::GenerateMaskRequest* request,
                                          v1::GenerateMaskResponse* response) {
  return Answer(gate_, [&]() -> absl::Status {
    MASKD_ASSIGN_OR_RETURN(const MaskingSpec spec, DecodeSpec(*request));
    MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
    MASKD_RETURN_IF_ERROR(CheckLimits(plan, limits_));
    return masker_->Mask(plan, ReserveResponse(plan, masker_->backend(), response),
                         [context] { return context->IsCancelled(); });
  });
}

grpc::Status MaskingService::GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                                           v1::GetServerInfoResponse* response) {
  return Answer(gate_, [&]() -> absl::Status {
    response->set_version(kVersion);
    response->set_backend(masker_->backend());
    response->set_device_name(masker_->device_name());
    response->set_algorithm_version(kAlgorithmVersion);
    v1::ServerLimits* const limits = response->mutable_limits();
    limits->set_max_message_bytes(limits_.max_message_bytes);
    limits->set_max_sequence_length(kMaxSequenceLength);
    limits->set_max_batch_tokens(limits_.max_batch_tokens);
    limits->set_max_element_bytes(kMaxElementBytes);
    return absl::OkStatus();
  });
}

}  // namespace maskd
