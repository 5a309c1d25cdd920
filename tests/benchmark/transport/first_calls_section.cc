#include <cstdint>
#include <string>
#include <vector>

#include "kernels/status_macros.h"
#include "tests/benchmark/transport/client_process.h"
#include "tests/benchmark/transport/sections.h"
#include "tests/benchmark/transport/server_process.h"
#include "tests/benchmark/transport/statistics.h"

namespace maskd::transport {
namespace {

constexpr std::int64_t kBatchSize = 64;

// Calls between the first and those that count as steady.
constexpr int kLaterCalls = 8;
constexpr int kSteadyCalls = 8;

struct Path {
  std::string label;
  std::string call;
  bool is_floor = false;
  Cell first_ms = {};
  Cell steady_ms = {};
};

absl::StatusOr<ServerProcess> StartServer(const Setting& setting, const Path& path) {
  return path.is_floor ? ServerProcess::Floors(setting) : ServerProcess::Maskd(setting, {"127.0.0.1:0"});
}

// `warm` is a server that runs for long.
absl::Status MeasureRound(const Setting& setting, const ServerProcess& warm, Path& path) {
  MASKD_ASSIGN_OR_RETURN(const ServerProcess server, StartServer(setting, path));
  const MeasuredCallChoice call = {.name = path.call, .address = server.address(), .batch_size = kBatchSize};
  MASKD_ASSIGN_OR_RETURN(ClientProcess client,
                         ClientProcess::Start(setting, {.call = call, .warm_address = warm.address()}));
  MASKD_ASSIGN_OR_RETURN(const std::vector<double> first, client.Call(/*warm_ups=*/0, 1));
  MASKD_ASSIGN_OR_RETURN(const std::vector<double> steady, client.Call(kLaterCalls, kSteadyCalls));
  path.first_ms.push_back(first.front() * 1e3);
  path.steady_ms.push_back(Median(steady) * 1e3);
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureFirstCalls(const Setting& setting, Report& report) {
  std::vector<Path> paths = {{.label = "TCP floor, buffered", .call = "floor-buffered", .is_floor = true},
                             {.label = "maskd, unary", .call = "unary"},
                             {.label = "maskd, stream", .call = "stream"}};
  std::vector<ServerProcess> warm;
  for (const Path& path : paths) {
    MASKD_ASSIGN_OR_RETURN(ServerProcess server, StartServer(setting, path));
    warm.push_back(std::move(server));
  }
  for (int round = 0; round < setting.rounds; ++round) {
    ShowProgress("first calls", round, setting.rounds);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      MASKD_RETURN_IF_ERROR(MeasureRound(setting, warm[i], paths[i]));
    }
  }

  Table table("first call to a server, N=64",
              {{"first ms", 2}, {"steady ms", 2}, {"first / steady", 2, true}});
  for (const Path& path : paths) {
    table.AddRow(path.label, {path.first_ms, path.steady_ms, Ratios(path.first_ms, path.steady_ms)});
  }
  report.AddTable(table);
  return absl::OkStatus();
}

}  // namespace maskd::transport
