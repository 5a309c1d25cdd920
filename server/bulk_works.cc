#include "server/bulk_works.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "kernels/status_macros.h"
#include "maskd/v1/tensor_service.pb.h"

namespace maskd {
namespace {

// A tensor operation on one message.
template <TensorPlanner planner>
absl::StatusOr<grpc::Slice> OnTensors(const grpc::ByteBuffer& message, const CallParts& parts,
                                      const IsCancelled&, ByteBudget::Reservation& reservation,
                                      CallRecord& record) {
  // The message, and copies of its tensors.
  const std::int64_t request_bytes = 2 * static_cast<std::int64_t>(message.Length());
  const auto make_room = [&](std::int64_t bytes) {
    return bytes > std::max(kSmallCallBytes, reservation.bytes()) ? parts.budget.Resize(bytes, reservation)
                                                                  : absl::OkStatus();
  };
  MASKD_RETURN_IF_ERROR(make_room(request_bytes));
  TensorRequest request(message, parts.pool);
  TensorCall call(request, parts.tensor_devices, parts.limits, parts.pool);
  MASKD_ASSIGN_OR_RETURN(const TensorWork work, planner(call));
  // A larger response is refused.
  const std::int64_t result_bytes = std::min(work.result_bytes, parts.limits.max_message_bytes);
  MASKD_RETURN_IF_ERROR(make_room(request_bytes + result_bytes + work.scratch_bytes));
  record.stages().Enter(Stage::kCompute);
  MASKD_RETURN_IF_ERROR(call.Compute(work));
  return std::move(call).ToMessage();
}

constexpr BulkMethod kMethods[] = {
    {Method::kRandomMasking, RandomMasking, false},
    {Method::kRestoreTokens, OnTensors<PlanRestoreTokens>, true},
    {Method::kGather, OnTensors<PlanGather>, true},
    {Method::kScatter, OnTensors<PlanScatter>, true},
    {Method::kScatterAdd, OnTensors<PlanScatterAdd>, true},
    {Method::kMaskedSelect, OnTensors<PlanMaskedSelect>, true},
    {Method::kPadSequences, OnTensors<PlanPadSequences>, true},
    {Method::kMaskedNllLoss, OnTensors<PlanMaskedNllLoss>, true},
    {Method::kMaskedReconstructionLoss, OnTensors<PlanMaskedReconstructionLoss>, true},
};

constexpr struct {
  int number;
  TensorPlanner planner;
} kStreamedOperations[] = {
    {v1::StreamTensorsRequest::kGatherFieldNumber, PlanGather},
    {v1::StreamTensorsRequest::kScatterFieldNumber, PlanScatter},
    {v1::StreamTensorsRequest::kScatterAddFieldNumber, PlanScatterAdd},
    {v1::StreamTensorsRequest::kMaskedSelectFieldNumber, PlanMaskedSelect},
    {v1::StreamTensorsRequest::kPadSequencesFieldNumber, PlanPadSequences},
    {v1::StreamTensorsRequest::kMaskedNllLossFieldNumber, PlanMaskedNllLoss},
    {v1::StreamTensorsRequest::kMaskedReconstructionLossFieldNumber, PlanMaskedReconstructionLoss},
    {v1::StreamTensorsRequest::kRestoreTokensFieldNumber, PlanRestoreTokens},
};

}  // namespace

const BulkMethod* FindBulkMethod(std::string_view path) {
  const auto* const found =
      std::ranges::find(kMethods, path, [](const BulkMethod& method) { return PathOf(method.method); });
  return found == std::end(kMethods) ? nullptr : found;
}

TensorPlanner FindStreamedOperation(int number) {
  for (const auto& operation : kStreamedOperations) {
    if (operation.number == number) return operation.planner;
  }
  return nullptr;
}

}  // namespace maskd
