#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "tests/benchmark/transport/batch.h"
#include "tests/benchmark/transport/client_process.h"
#include "tests/benchmark/transport/sections.h"
#include "tests/benchmark/transport/server_process.h"
#include "tests/benchmark/transport/statistics.h"

namespace maskd::transport {
namespace {

constexpr std::int64_t kBatchSize = 256;
constexpr int kClients = 32;
constexpr std::int64_t kBudget = std::int64_t{512} << 20;

// The first finds gRPC with small windows, later ones with those it has learnt.
constexpr int kCalls = 4;

// A round sends 20 GB.
constexpr int kMaxRounds = 3;

struct Path {
  std::string label;
  std::string call;
  Cell idle_mb = {};
  Cell peak_mb = {};
  Cell over_budget = {};
  Cell rate = {};  // MB/s
};

absl::Status MeasureRound(const Setting& setting, Path& path) {
  MASKD_ASSIGN_OR_RETURN(
      const auto maskd,
      ServerProcess::Maskd(setting, {"127.0.0.1:0"}, {absl::StrCat("--max_inflight_bytes=", kBudget)}));
  const MeasuredCallChoice call = {
      .name = path.call, .address = maskd.address(), .batch_size = kBatchSize, .clients = kClients};
  MASKD_ASSIGN_OR_RETURN(ClientProcess clients, ClientProcess::Start(setting, {.call = call}));
  MASKD_ASSIGN_OR_RETURN(const std::int64_t idle, maskd.PeakResidentBytes());
  MASKD_ASSIGN_OR_RETURN(std::vector<double> seconds, clients.Call(/*warm_ups=*/0, kCalls));
  MASKD_ASSIGN_OR_RETURN(const std::int64_t peak, maskd.PeakResidentBytes());
  path.idle_mb.push_back(static_cast<double>(idle) * 1e-6);
  path.peak_mb.push_back(static_cast<double>(peak) * 1e-6);
  path.over_budget.push_back(static_cast<double>(peak) / static_cast<double>(kBudget));
  path.rate.push_back(kClients * static_cast<double>(BytesMoved(kBatchSize)) * 1e-6 /
                      Median(std::move(seconds)));
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureMemory(const Setting& setting, Report& report) {
  std::vector<Path> paths = {{.label = "maskd, unary", .call = "unary"},
                             {.label = "maskd, stream", .call = "stream"}};
  const int rounds = std::min(setting.rounds, kMaxRounds);
  for (int round = 0; round < rounds; ++round) {
    ShowProgress("memory", round, rounds);
    for (Path& path : paths) MASKD_RETURN_IF_ERROR(MeasureRound(setting, path));
  }
  Table table("32 clients of N=256, 4 calls each, budget 512 MiB",
              {{"MB before", 0}, {"MB at most", 0, true}, {"of the budget", 2, true}, {"MB/s", 0}});
  for (const Path& path : paths) {
    table.AddRow(path.label, {path.idle_mb, path.peak_mb, path.over_budget, path.rate});
  }
  report.AddTable(table);
  return absl::OkStatus();
}

}  // namespace maskd::transport
