#include "server/call_record.h"

#include <cstddef>
#include <optional>

#include "absl/strings/str_cat.h"
#include "server/refusal.h"
#include "server/status_adapter.h"

namespace maskd {
namespace {

// Whether a request id costs a share of the call that can be measured.
bool IsSmall(Method method) {
  return method == Method::kGenerateMask || method == Method::kGetServerInfo ||
         method == Method::kHealthCheck;
}

}  // namespace

CallRecord::CallRecord(CallCounts& counts, const CallReporting& reporting, Method method,
                       grpc::ServerContextBase& context, Stage first)
    : all_counts_(counts),
      counts_(counts[method]),
      reporting_(reporting),
      method_(method),
      context_(context),
      caller_(WordsOf(context.client_metadata())),
      stages_(first) {
  counts_.in_flight.fetch_add(1, std::memory_order_relaxed);
  if (caller_.retries) counts_.retries.Add(1);
  if (IsSmall(method)) return;
  if (caller_.request_id.empty()) caller_.request_id = MakeRequestId();
  peer_ = context.peer();
}

CallRecord::~CallRecord() {
  // Asked for the rest alone: gRPC takes a lock to say it.
  const bool answered = sent_ && status_.ok();
  const bool cancelled = !answered && context_.IsCancelled();
  if (cancelled) {
    status_ = absl::CancelledError(absl::StrCat(
        "cancelled: ", status_.ok() ? "the caller has gone, its deadline has passed, or this server gave the "
                                      "call up (--idle_seconds, --drain_seconds)"
                                    : status_.message()));
  }
  const auto code = cancelled ? grpc::StatusCode::CANCELLED : static_cast<grpc::StatusCode>(status_.code());
  stages_.Enter(Stage::kRest);
  const StageTimes stages = CountStages();
  counts_.ended[static_cast<std::size_t>(code)].Add(1);
  if (code != grpc::StatusCode::OK || IsSlow(stages.total())) Report(stages, code);
  counts_.in_flight.fetch_sub(1, std::memory_order_release);
}

void CallRecord::EndBatch() {
  stages_.Enter(Stage::kRest);
  const StageTimes stages = CountStages();
  if (IsSlow(stages.total())) Report(stages, grpc::StatusCode::OK);
}

grpc::Status CallRecord::Finish(const absl::Status& status) {
  if (stages_.stage() != Stage::kRest) stages_.Enter(Stage::kSend);
  status_ = status;
  if (!status.ok()) {
    const std::optional<Refusal> reason = RefusalOf(status);
    if (reason.has_value()) all_counts_.refusals[static_cast<std::size_t>(*reason)].Add(1);
  }
  if (caller_.request_id.empty() && (!status.ok() || IsSlow(stages_.spent())))
    caller_.request_id = MakeRequestId();
  if (!caller_.request_id.empty()) context_.AddTrailingMetadata(kRequestIdKey, caller_.request_id);
  return ToGrpcStatus(status, context_);
}

StageTimes CallRecord::CountStages() {
  const StageTimes stages = stages_.Take();
  const std::chrono::nanoseconds total = stages.total();
  if (total.count() == 0) return stages;
  counts_.seconds.Add(total);
  for (std::size_t i = 0; i < stages.spent.size(); ++i) {
    if (stages.spent[i].count() > 0) counts_.stages[i].Add(stages.spent[i]);
  }
  return stages;
}

bool CallRecord::IsSlow(std::chrono::nanoseconds time) const {
  return reporting_.slow.count() > 0 && time > reporting_.slow;
}

void CallRecord::Report(const StageTimes& stages, grpc::StatusCode code) const {
  if (!reporting_.report) return;
  reporting_.report({.method = std::string(PathOf(method_)),
                     .peer = peer_.empty() ? context_.peer() : peer_,
                     .code = code,
                     .message = std::string(status_.message()),
                     .request_id = caller_.request_id,
                     .trace_id = TraceIdOf(context_.client_metadata()),
                     .stages = stages});
}

}  // namespace maskd
