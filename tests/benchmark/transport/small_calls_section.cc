#include <functional>
#include <string>
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
  std::function<absl::StatusOr<ServerProcess>()> start_server;
  std::string one_at_a_time;
  std::string in_flight;  // or empty
  Latencies latencies = {};
  Cell calls_per_second = {};
};

// With processes of its own: two of one program can differ by 5 % for as long as they
// live (docs/performance.md).
absl::Status MeasureRound(const Setting& setting, Kind& kind) {
  MASKD_ASSIGN_OR_RETURN(const ServerProcess server, kind.start_server());
  const auto start_client = [&](const std::string& call) {
    return ClientProcess::Start(setting, {.call = {.name = call, .address = server.address()}});
  };
  MASKD_ASSIGN_OR_RETURN(ClientProcess client, start_client(kind.one_at_a_time));
  MASKD_ASSIGN_OR_RETURN(const std::vector<double> seconds, client.Call(kWarmUps, kCalls));
  kind.latencies.AddRound(seconds);
  if (kind.in_flight.empty()) return absl::OkStatus();
  MASKD_ASSIGN_OR_RETURN(ClientProcess flights, start_client(kind.in_flight));
  MASKD_ASSIGN_OR_RETURN(const std::vector<double> flight, flights.Call(/*warm_ups=*/1, 1));
  kind.calls_per_second.push_back(kCallsPerFlight / flight.front());
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureSmallCalls(const Setting& setting, Report& report) {
  MASKD_ASSIGN_OR_RETURN(const auto spinner, ChildProcess::Start({setting.program, "keep-awake"}));
  const auto empty_server = [&setting] { return ServerProcess::Empty(setting); };
  const auto callback_server = [&setting] { return ServerProcess::Empty(setting, /*callbacks=*/true); };
  const auto maskd = [&setting] { return ServerProcess::Maskd(setting, {"127.0.0.1:0"}); };
  Kind empty{"empty RPC", empty_server, "empty", "empty-in-flight"};
  Kind callbacks{"empty RPC, callback API", callback_server, "empty", "empty-in-flight"};
  Kind masks{"GenerateMask of N=1", maskd, "generate-mask", "generate-mask-in-flight"};
  Kind client{"GenerateMask of N=1, MaskingClient", maskd, "generate-mask-client", ""};
  for (int round = 0; round < setting.rounds; ++round) {
    ShowProgress("small calls", round, setting.rounds);
    for (Kind* const kind : {&empty, &callbacks, &masks, &client})
      MASKD_RETURN_IF_ERROR(MeasureRound(setting, *kind));
  }

  Table table("small calls", {{"p50 us", 1},
                              {"p99 us", 1},
                              {"p50 / empty's", 2, true},
                              {"calls/s, 16 in flight"},
                              {"calls/s / empty's", 2, true}});
  for (const Kind* const kind : {&empty, &callbacks, &masks, &client}) {
    table.AddRow(kind->label,
                 {kind->latencies.p50_us, kind->latencies.p99_us,
                  Ratios(kind->latencies.p50_us, empty.latencies.p50_us), kind->calls_per_second,
                  kind->in_flight.empty() ? Cell() : Ratios(kind->calls_per_second, empty.calls_per_second)});
  }
  report.AddTable(table);
  return absl::OkStatus();
}

}  // namespace maskd::transport
