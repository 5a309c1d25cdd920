#include "client/client_statistics.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace maskd {
namespace {

std::string Number(double value) { return absl::StrFormat("%.15g", value); }
std::string Number(std::int64_t value) { return absl::StrCat(value); }
std::string Number(bool value) { return value ? "1" : "0"; }

// Help and type of a metric; its samples follow.
void AddMetric(std::string& text, absl::string_view name, absl::string_view type, absl::string_view help) {
  absl::StrAppend(&text, "# HELP maskd_client_", name, " ", help, "\n# TYPE maskd_client_", name, " ", type,
                  "\n");
}

template <typename Value>
void AddValue(std::string& text, absl::string_view name, absl::string_view type, absl::string_view help,
              Value value) {
  AddMetric(text, name, type, help);
  absl::StrAppend(&text, "maskd_client_", name, " ", Number(value), "\n");
}

// One sample a replica.
template <typename Value>
void AddOfReplicas(std::string& text, absl::string_view name, absl::string_view type, absl::string_view help,
                   const ClientStatistics& statistics, Value ClientStatistics::Replica::*value) {
  if (statistics.replicas.empty()) return;
  AddMetric(text, name, type, help);
  for (const ClientStatistics::Replica& replica : statistics.replicas) {
    const std::string address =
        absl::StrReplaceAll(replica.address, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
    absl::StrAppend(&text, "maskd_client_", name, "{address=\"", address, "\"} ", Number(replica.*value),
                    "\n");
  }
}

}  // namespace

std::string PrometheusText(const ClientStatistics& statistics) {
  using Replica = ClientStatistics::Replica;
  std::string text;
  AddValue(text, "calls_total", "counter", "Calls that ended.", statistics.calls);
  AddValue(text, "failed_calls_total", "counter", "Calls that ended with an error.", statistics.failed_calls);
  AddValue(text, "retries_total", "counter", "Parts of calls that were sent again.", statistics.retries);
  AddValue(text, "fallbacks_total", "counter",
           "Calls that were computed in process, in whole or in part, because no server answered.",
           statistics.fallbacks);
  AddValue(text, "sent_bytes_total", "counter", "Tokens and tensors that were sent.", statistics.bytes_sent);
  AddValue(text, "received_bytes_total", "counter", "Results that came.", statistics.bytes_received);
  AddValue(text, "wait_seconds_total", "counter", "Time that training steps waited for masks.",
           statistics.wait_seconds);
  AddValue(text, "waits_total", "counter", "Training steps whose wait was counted.", statistics.waits);
  AddOfReplicas(text, "replica_healthy", "gauge", "Whether work goes to the replica.", statistics,
                &Replica::healthy);
  AddOfReplicas(text, "replica_calls_total", "counter", "Calls that the replica was sent.", statistics,
                &Replica::calls);
  AddOfReplicas(text, "replica_samples_total", "counter", "Samples that the replica masked.", statistics,
                &Replica::samples);
  AddOfReplicas(text, "replica_failures_total", "counter", "Calls that the replica failed.", statistics,
                &Replica::failures);
  AddOfReplicas(text, "replica_samples_per_second", "gauge", "Speed of the replica of late.", statistics,
                &Replica::samples_per_second);
  return text;
}

}  // namespace maskd
