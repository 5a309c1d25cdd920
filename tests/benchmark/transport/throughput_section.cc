#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "tests/benchmark/transport/batch.h"
#include "tests/benchmark/transport/client_process.h"
#include "tests/benchmark/transport/sections.h"
#include "tests/benchmark/transport/self_signed_certificate.h"
#include "tests/benchmark/transport/server_process.h"
#include "tests/benchmark/transport/statistics.h"

namespace maskd::transport {
namespace {

// The rows that the others are compared with.
constexpr char kBufferedFloor[] = "TCP floor, buffered";
constexpr char kUnary[] = "maskd, unary";
constexpr char kStream[] = "maskd, stream";

struct Path {
  std::string label;
  ClientOptions client;
  std::vector<double> seconds = {};  // of a call: the median of each round
};

struct Servers {
  ServerProcess floors;
  ServerProcess naive_default_malloc;
  ServerProcess naive;
  ServerProcess maskd;      // on TCP and on a Unix socket
  ServerProcess maskd_tls;  // for the name localhost
  std::string root_certificate;
};

absl::StatusOr<Servers> StartServers(const Setting& setting) {
  const std::string certificate = setting.folder + "/certificate.pem";
  const std::string key = setting.folder + "/key.pem";
  MASKD_RETURN_IF_ERROR(WriteSelfSignedCertificate("localhost", certificate, key));
  MASKD_ASSIGN_OR_RETURN(auto floors, ServerProcess::Floors(setting));
  MASKD_ASSIGN_OR_RETURN(auto naive_default_malloc, ServerProcess::Naive(setting, /*default_malloc=*/true));
  MASKD_ASSIGN_OR_RETURN(auto naive, ServerProcess::Naive(setting, /*default_malloc=*/false));
  const std::string socket = absl::StrCat("unix:", setting.folder, "/maskd.sock");
  MASKD_ASSIGN_OR_RETURN(auto maskd, ServerProcess::Maskd(setting, {"127.0.0.1:0", socket}));
  MASKD_ASSIGN_OR_RETURN(
      auto maskd_tls,
      ServerProcess::Maskd(setting, {"localhost:0"}, {"--tls_cert=" + certificate, "--tls_key=" + key}));
  return Servers{.floors = std::move(floors),
                 .naive_default_malloc = std::move(naive_default_malloc),
                 .naive = std::move(naive),
                 .maskd = std::move(maskd),
                 .maskd_tls = std::move(maskd_tls),
                 .root_certificate = certificate};
}

bool IsWanted(const std::string& label, const Setting& setting) {
  return label == kBufferedFloor || label == kUnary || label == kStream ||
         std::ranges::any_of(setting.paths,
                             [&](const std::string& word) { return absl::StrContains(label, word); });
}

std::vector<Path> PathsOf(const Setting& setting, const Servers& servers, std::int64_t batch_size) {
  const std::string& tcp = servers.maskd.addresses()[0];
  const std::string& unix_socket = servers.maskd.addresses()[1];
  const std::string& tls = servers.maskd_tls.address();
  std::vector<Path> paths = {
      {kBufferedFloor, {.call = {.name = "floor-buffered", .address = servers.floors.address()}}},
      {"TCP floor, streaming", {.call = {.name = "floor-streaming", .address = servers.floors.address()}}},
      {"naive protobuf, default malloc",
       {.call = {.name = "naive", .address = servers.naive_default_malloc.address()},
        .default_malloc = true}},
      {"naive protobuf, tuned malloc", {.call = {.name = "naive", .address = servers.naive.address()}}},
      {kUnary, {.call = {.name = "unary", .address = tcp}}},
      {kStream, {.call = {.name = "stream", .address = tcp}}},
      {"maskd, unary, Unix socket", {.call = {.name = "unary", .address = unix_socket}}},
      {"maskd, stream, Unix socket", {.call = {.name = "stream", .address = unix_socket}}},
      {"maskd, unary, TLS",
       {.call = {.name = "unary", .address = tls, .root_certificate = servers.root_certificate}}},
      {"maskd, stream, TLS",
       {.call = {.name = "stream", .address = tls, .root_certificate = servers.root_certificate}}},
  };
  std::erase_if(paths, [&](const Path& path) { return !IsWanted(path.label, setting); });
  for (Path& path : paths) path.client.call.batch_size = batch_size;
  return paths;
}

// Fills in the seconds of all paths.
absl::Status MeasurePaths(const Setting& setting, std::int64_t batch_size, std::vector<Path>& paths) {
  std::vector<ClientProcess> clients;
  for (const Path& path : paths) {
    MASKD_ASSIGN_OR_RETURN(ClientProcess client, ClientProcess::Start(setting, path.client));
    clients.push_back(std::move(client));
  }
  const int calls = std::max<int>(3, setting.calls / static_cast<int>(batch_size));
  // A path rests while the others have their turns, and TCP begins with a small
  // window again: as many bytes as this bring it back to its pace.
  const int warm_ups = static_cast<int>(kMaxBatchSize / batch_size);
  for (int round = 0; round < setting.rounds; ++round) {
    ShowProgress(absl::StrCat("throughput of N=", batch_size), round, setting.rounds);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      // Each round begins with another path, lest one always follows the same.
      const std::size_t turn = (i + static_cast<std::size_t>(round)) % paths.size();
      MASKD_ASSIGN_OR_RETURN(std::vector<double> seconds, clients[turn].Call(warm_ups, calls));
      paths[turn].seconds.push_back(Median(std::move(seconds)));
    }
  }
  return absl::OkStatus();
}

Table TableOf(std::int64_t batch_size, const std::vector<Path>& paths) {
  const auto seconds_of = [&paths](const std::string& label) -> const std::vector<double>& {
    return std::ranges::find(paths, label, &Path::label)->seconds;
  };
  Table table(absl::StrCat("throughput, N=", batch_size), {{"ms", 3},
                                                           {"MB/s"},
                                                           {"throughput / buffered floor's", 2, true},
                                                           {"time / unary's", 2, true},
                                                           {"time / stream's", 2, true}});
  const double megabytes = static_cast<double>(BytesMoved(batch_size)) * 1e-6;
  for (const Path& path : paths) {
    Cell milliseconds;
    Cell rates;
    for (const double seconds : path.seconds) {
      milliseconds.push_back(seconds * 1e3);
      rates.push_back(megabytes / seconds);
    }
    table.AddRow(path.label,
                 {milliseconds, rates, Ratios(seconds_of(kBufferedFloor), path.seconds),
                  Ratios(path.seconds, seconds_of(kUnary)), Ratios(path.seconds, seconds_of(kStream))});
  }
  return table;
}

}  // namespace

absl::Status MeasureThroughput(const Setting& setting, Report& report) {
  MASKD_ASSIGN_OR_RETURN(const Servers servers, StartServers(setting));
  for (const std::int64_t batch_size : setting.batch_sizes) {
    std::vector<Path> paths = PathsOf(setting, servers, batch_size);
    MASKD_RETURN_IF_ERROR(MeasurePaths(setting, batch_size, paths));
    report.AddTable(TableOf(batch_size, paths));
  }
  return absl::OkStatus();
}

}  // namespace maskd::transport
