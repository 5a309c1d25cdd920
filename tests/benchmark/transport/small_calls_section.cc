#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/status_macros.h"
#include "tests/benchmark/transport/child_process.h"
#include "tests/benchmark/transport/client_process.h"
#include "tests/benchmark/transport/sections.h"
#include "tests/benchmark/transport/server_process.h"
#include "tests/benchmark/transport/small_calls.h"
#include "tests/benchmark/transport/statistics.h"

namespace maskd::transport {
namespace {

// Calls of a round, one at a time: enough for a 99th percentile.
constexpr int kCalls = 2000;
constexpr int kWarmUps = 500;

// A kind of small call, and what it showed.
struct Kind {
  std::string label;
  ClientProcess one_at_a_time;
  std::optional<ClientProcess> in_flight;
  Latencies latencies = {};
  Cell calls_per_second = {};
};

// `in_flight` may be empty.
absl::StatusOr<Kind> StartKind(const Setting& setting, const std::string& label, const std::string& address,
                               const std::string& one_at_a_time, const std::string& in_flight) {
  MASKD_ASSIGN_OR_RETURN(
      ClientProcess client,
      ClientProcess::Start(setting, {.call = {.name = one_at_a_time, .address = address}}));
  Kind kind = {.label = label, .one_at_a_time = std::move(client), .in_flight = std::nullopt};
  if (!in_flight.empty()) {
    MASKD_ASSIGN_OR_RETURN(kind.in_flight,
                           ClientProcess::Start(setting, {.call = {.name = in_flight, .address = address}}));
  }
  return kind;
}

absl::Status MeasureRound(Kind& kind) {
  MASKD_ASSIGN_OR_RETURN(const std::vector<double> seconds, kind.one_at_a_time.Call(kWarmUps, kCalls));
  kind.latencies.AddRound(seconds);
  if (!kind.in_flight.has_value()) return absl::OkStatus();
  MASKD_ASSIGN_OR_RETURN(const std::vector<double> flight, kind.in_flight->Call(/*warm_ups=*/1, 1));
  kind.calls_per_second.push_back(kCallsPerFlight / flight.front());
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureSmallCalls(const Setting& setting, Report& report) {
  MASKD_ASSIGN_OR_RETURN(const auto spinner, ChildProcess::Start({setting.program, "keep-awake"}));
  MASKD_ASSIGN_OR_RETURN(const auto empty_server, ServerProcess::Empty(setting));
  MASKD_ASSIGN_OR_RETURN(const auto callback_server, ServerProcess::Empty(setting, /*callbacks=*/true));
  MASKD_ASSIGN_OR_RETURN(const auto maskd, ServerProcess::Maskd(setting, {"127.0.0.1:0"}));
  MASKD_ASSIGN_OR_RETURN(Kind empty,
                         StartKind(setting, "empty RPC", empty_server.address(), "empty", "empty-in-flight"));
  MASKD_ASSIGN_OR_RETURN(Kind callbacks, StartKind(setting, "empty RPC, callback API",
                                                   callback_server.address(), "empty", "empty-in-flight"));
  MASKD_ASSIGN_OR_RETURN(Kind masks, StartKind(setting, "GenerateMask of N=1", maskd.address(),
                                               "generate-mask", "generate-mask-in-flight"));
  MASKD_ASSIGN_OR_RETURN(Kind client, StartKind(setting, "GenerateMask of N=1, MaskingClient",
                                                maskd.address(), "generate-mask-client", ""));
  for (int round = 0; round < setting.rounds; ++round) {
    ShowProgress("small calls", round, setting.rounds);
    for (Kind* const kind : {&empty, &callbacks, &masks, &client}) MASKD_RETURN_IF_ERROR(MeasureRound(*kind));
  }

  Table table("small calls", {{"p50 us", 1},
                              {"p99 us", 1},
                              {"p50 / empty's", 2, true},
                              {"calls/s, 16 in flight"},
                              {"calls/s / empty's", 2, true}});
  for (const Kind* const kind : {&empty, &callbacks, &masks, &client}) {
    table.AddRow(
        kind->label,
        {kind->latencies.p50_us, kind->latencies.p99_us,
         Ratios(kind->latencies.p50_us, empty.latencies.p50_us), kind->calls_per_second,
         kind->in_flight.has_value() ? Ratios(kind->calls_per_second, empty.calls_per_second) : Cell()});
  }
  report.AddTable(table);
  return absl::OkStatus();
}

}  // namespace maskd::transport
