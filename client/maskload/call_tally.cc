#include "client/maskload/call_tally.h"

namespace maskd::maskload {
namespace {

void AddTo(CallGroup& group, const TimedCall& call) {
  if (!call.outcome.status.ok()) {
    ++group.errors;
    return;
  }
  group.latency.Record(call.end - call.intended);
  group.service.Record(call.end - call.start);
  group.bytes_sent += call.outcome.bytes_sent;
  group.bytes_received += call.outcome.bytes_received;
}

CallGroup& GroupAt(std::vector<CallGroup>& groups, std::size_t index) {
  if (index >= groups.size()) groups.resize(index + 1);
  return groups[index];
}

}  // namespace

void CallTally::Add(const TimedCall& call) {
  const std::lock_guard lock(mutex_);
  AddTo(totals_.all, call);
  AddTo(GroupAt(totals_.addresses, call.outcome.address), call);
  AddTo(GroupAt(totals_.shapes, call.outcome.shape), call);
  TimeSlice& slice = totals_.timeline.At(call.end);
  if (call.outcome.status.ok()) {
    slice.latency.Record(call.end - call.intended);
    slice.bytes += call.outcome.bytes_sent + call.outcome.bytes_received;
    return;
  }
  ++slice.errors;
  ErrorCount& error = totals_.errors[call.outcome.status.code()];
  if (error.count++ == 0) error.first_message = std::string(call.outcome.status.message());
}

void CallTally::AddVerified(bool right) {
  const std::lock_guard lock(mutex_);
  ++totals_.verified;
  if (!right) ++totals_.wrong;
}

CallTally::Glance CallTally::Look() const {
  const std::lock_guard lock(mutex_);
  return {.calls = totals_.all.latency.count(),
          .errors = totals_.all.errors,
          .wrong = totals_.wrong,
          .bytes = totals_.all.bytes(),
          .p99 = totals_.all.latency.Quantile(0.99)};
}

}  // namespace maskd::maskload
