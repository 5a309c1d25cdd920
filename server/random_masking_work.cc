#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/masking_plan.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.pb.h"
#include "proto/message_scanner.h"
#include "proto/message_slices.h"
#include "server/bulk_works.h"
#include "server/decode_request.h"
#include "server/encode_response.h"
#include "server/masked_part.h"

namespace maskd {
namespace {

absl::Status CheckTokens(const MaskingPlan& plan, const v1::TokenLayout& layout, std::int64_t bytes) {
  if (bytes == plan.tokens_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("tokens has ", bytes, " bytes; [batch_size ", layout.batch_size(), ", sequence_length ",
                   layout.sequence_length(), ", token_dim ", layout.token_dim(), "] of ",
                   layout.element_bytes(), "-byte elements has ", plan.tokens_bytes));
}

}  // namespace

absl::StatusOr<grpc::Slice> RandomMasking(const grpc::ByteBuffer& request, const CallParts& parts,
                                          const IsCancelled& is_cancelled,
                                          ByteBudget::Reservation& reservation, CallRecord& record) {
  const MessageSlices slices(request);
  const std::optional<ScannedMessage> message = ScanMessage(slices.fragments());
  v1::RandomMaskingRequest fields;
  if (!message.has_value() || !fields.ParseFromString(message->fields))
    return absl::InvalidArgumentError("the request is no serialized maskd.v1.RandomMaskingRequest");
  MASKD_ASSIGN_OR_RETURN(const MaskingSpec spec, DecodeSpec(fields));
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  MASKD_RETURN_IF_ERROR(CheckTokens(plan, fields.layout(), message->payload.bytes));
  MASKD_RETURN_IF_ERROR(CheckLimits(plan, parts.limits));
  const std::int64_t landed = parts.landing != nullptr && plan.selection.kept_tokens ? plan.tokens_bytes : 0;
  const std::int64_t bytes = static_cast<std::int64_t>(request.Length()) + plan.result_bytes.total() + landed;
  if (bytes > kSmallCallBytes) MASKD_RETURN_IF_ERROR(parts.budget.Resize(bytes, reservation));

  MaskedPart part(spec, plan,
                  ReserveRandomMasking(plan, *spec.token_type, parts.masker.backend(), parts.pool),
                  parts.landing);
  MASKD_RETURN_IF_ERROR(part.Begin(parts.masker, parts.pool, is_cancelled, record.stages()));
  part.TakeAll(message->payload.fragments, parts.gatherer, record.stages());
  MASKD_RETURN_IF_ERROR(part.Finish(parts.masker, is_cancelled, record.stages()));
  record.CountBatch(plan.noise_source);
  return std::move(part).ToResponse();
}

}  // namespace maskd
