#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/status_macros.h"
#include "tests/benchmark/transport/client_process.h"
#include "tests/benchmark/transport/sections.h"
#include "tests/benchmark/transport/server_process.h"
#include "tests/benchmark/transport/statistics.h"

namespace maskd::transport {
namespace {

// Calls of a round, one at a time: enough for a 99th percentile.
constexpr int kCalls = 4000;
constexpr int kWarmUps = 200;

constexpr std::int64_t kLoadBatchSize = 64;
constexpr std::chrono::milliseconds kSoloLoad{500};

struct Load {
  std::string label;
  ClientProcess client;
  double solo = 0;  // calls a second of this round without other calls
};

struct Row {
  std::string label;
  Latencies latencies = {};
  Cell over_alone = {};     // p99
  Cell share_of_solo = {};  // of the load
};

// A kind of small call, with a row alone and one beside each load.
struct Kind {
  ClientProcess client;
  Row alone;
  std::vector<Row> beside;
};

absl::StatusOr<Load> StartLoad(const Setting& setting, const std::string& label, const std::string& path,
                               const std::string& address) {
  MASKD_ASSIGN_OR_RETURN(
      ClientProcess client,
      ClientProcess::Start(setting,
                           {.call = {.name = path, .address = address, .batch_size = kLoadBatchSize}}));
  return Load{.label = label, .client = std::move(client)};
}

absl::StatusOr<Kind> StartKind(const Setting& setting, const std::string& label, const std::string& call,
                               const std::string& address, const std::array<Load, 2>& loads) {
  MASKD_ASSIGN_OR_RETURN(ClientProcess client,
                         ClientProcess::Start(setting, {.call = {.name = call, .address = address}}));
  Kind kind = {.client = std::move(client), .alone = {.label = label + ", alone"}, .beside = {}};
  for (const Load& load : loads) kind.beside.push_back({.label = label + ", beside " + load.label});
  return kind;
}

absl::Status MeasureSolo(Load& load) {
  MASKD_RETURN_IF_ERROR(load.client.StartLoad());
  std::this_thread::sleep_for(kSoloLoad);
  MASKD_ASSIGN_OR_RETURN(load.solo, load.client.StopLoad());
  return absl::OkStatus();
}

absl::Status MeasureRound(std::array<Load, 2>& loads, Kind& kind) {
  MASKD_ASSIGN_OR_RETURN(const std::vector<double> alone, kind.client.Call(kWarmUps, kCalls));
  kind.alone.latencies.AddRound(alone);
  for (std::size_t i = 0; i < loads.size(); ++i) {
    MASKD_RETURN_IF_ERROR(loads[i].client.StartLoad());
    MASKD_ASSIGN_OR_RETURN(const std::vector<double> beside, kind.client.Call(kWarmUps, kCalls));
    MASKD_ASSIGN_OR_RETURN(const double calls_per_second, loads[i].client.StopLoad());
    Row& row = kind.beside[i];
    row.latencies.AddRound(beside);
    row.over_alone.push_back(row.latencies.p99_us.back() / kind.alone.latencies.p99_us.back());
    row.share_of_solo.push_back(calls_per_second / loads[i].solo);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureMixedCalls(const Setting& setting, Report& report) {
  MASKD_ASSIGN_OR_RETURN(const auto empty_server, ServerProcess::Empty(setting));
  MASKD_ASSIGN_OR_RETURN(const auto maskd, ServerProcess::Maskd(setting, {"127.0.0.1:0"}));
  MASKD_ASSIGN_OR_RETURN(Load unary, StartLoad(setting, "unary N=64", "unary", maskd.address()));
  MASKD_ASSIGN_OR_RETURN(Load stream, StartLoad(setting, "stream N=64", "stream", maskd.address()));
  std::array<Load, 2> loads = {std::move(unary), std::move(stream)};
  MASKD_ASSIGN_OR_RETURN(Kind masks,
                         StartKind(setting, "GenerateMask of N=1", "generate-mask", maskd.address(), loads));
  MASKD_ASSIGN_OR_RETURN(Kind empty, StartKind(setting, "empty RPC", "empty", empty_server.address(), loads));

  for (int round = 0; round < setting.rounds; ++round) {
    ShowProgress("small calls beside large ones", round, setting.rounds);
    for (Load& load : loads) MASKD_RETURN_IF_ERROR(MeasureSolo(load));
    for (Kind* const kind : {&masks, &empty}) MASKD_RETURN_IF_ERROR(MeasureRound(loads, *kind));
  }

  Table table("small calls beside large ones", {{"p50 us", 1},
                                                {"p99 us", 1, true},
                                                {"p99 / alone's", 2, true},
                                                {"large calls' share of their solo rate", 2, true}});
  for (const Kind* const kind : {&masks, &empty}) {
    const auto add = [&table](const Row& row) {
      table.AddRow(row.label,
                   {row.latencies.p50_us, row.latencies.p99_us, row.over_alone, row.share_of_solo});
    };
    add(kind->alone);
    for (const Row& row : kind->beside) add(row);
  }
  report.AddTable(table);
  return absl::OkStatus();
}

}  // namespace maskd::transport
