// transport_bench: what it costs to have a batch masked through maskd, beside
// the least that it could cost, and what a user would write without maskd.
//
// Every path is measured from a process of its own against a server process of
// its own, in rounds that go over all paths, so that a noisy host disturbs all
// alike. The tables are defined in sections.h. Every result of every call is
// compared byte for byte; one that is wrong, or any call that fails, makes the
// exit status 1.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kernels/host_memory.h"
#include "kernels/masker.h"
#include "kernels/status_macros.h"
#include "proto/left_out.h"
#include "tests/benchmark/transport/awake_cores.h"
#include "tests/benchmark/transport/batch.h"
#include "tests/benchmark/transport/client_process.h"
#include "tests/benchmark/transport/congestion.h"
#include "tests/benchmark/transport/empty_server.h"
#include "tests/benchmark/transport/floor_server.h"
#include "tests/benchmark/transport/naive_server.h"
#include "tests/benchmark/transport/report.h"
#include "tests/benchmark/transport/sections.h"
#include "tests/benchmark/transport/setting.h"
#include "tests/benchmark/transport/temporary_folder.h"

namespace maskd::transport {
namespace {

// Of congestion_preload.cc, beside this program.
constexpr char kCongestionLibrary[] = "libcongestion_preload.so";

struct Section {
  const char* name;
  absl::Status (*measure)(const Setting&, Report&);
};
constexpr Section kSections[] = {
    {"throughput", MeasureThroughput}, {"small", MeasureSmallCalls}, {"mixed", MeasureMixedCalls},
    {"first", MeasureFirstCalls},      {"memory", MeasureMemory},
};

struct Options {
  Setting setting;
  std::vector<std::string> only;  // names of sections
  std::string congestion = "auto";
  std::string json;  // path; empty: none

  // Of the processes that the benchmark starts.
  ClientOptions client;
  bool default_malloc = false;
};

absl::Status RunBenchmark(Options& options) {
  Setting& setting = options.setting;
  if (access(setting.maskd.c_str(), X_OK) != 0) return absl::ErrnoToStatus(errno, setting.maskd);
  // A child that has ended is an error of the write, not the end of this.
  signal(SIGPIPE, SIG_IGN);
  MASKD_ASSIGN_OR_RETURN(const auto folder, TemporaryFolder::Make());
  setting.folder = folder->path();
  const auto preload = std::filesystem::path(setting.program).replace_filename(kCongestionLibrary);
  MASKD_ASSIGN_OR_RETURN(const std::string congestion,
                         SetCongestionControlOfChildren(options.congestion, preload));

  Report report;
  report.AddFact("device", MakeCpuMasker(setting.threads)->device_name());
  report.AddFact("cores", std::thread::hardware_concurrency());
  report.AddFact("threads of a masker (0: one a core)", setting.threads);
  report.AddFact("TCP congestion control", congestion);
  report.AddFact("malloc", "keeps what is freed, as maskd's, where a row does not say default malloc");
  report.AddFact("rounds", setting.rounds);
  for (const Section& section : kSections) {
    if (std::ranges::find(options.only, section.name) == options.only.end()) continue;
    MASKD_RETURN_IF_ERROR(section.measure(setting, report));
  }
  return options.json.empty() ? absl::OkStatus() : report.WriteJson(options.json);
}

// What a process of this program is for.
struct Role {
  const char* name;
  absl::Status (*run)(Options&);
};
constexpr Role kRoles[] = {
    {"serve-floors", [](Options& options) { return ServeFloors(options.setting.threads); }},
    {"serve-naive", [](Options& options) { return ServeNaive(options.setting.threads); }},
    {"serve-empty", [](Options&) { return ServeEmpty(); }},
    {"serve-empty-by-callbacks", [](Options&) { return ServeEmptyByCallbacks(); }},
    {"client", [](Options& options) { return ServeCommands(options.client); }},
    {"keep-awake", [](Options&) { return KeepCoresAwake(); }},
};

void AddFlags(CLI::App& app, Options& options) {
  std::vector<std::string> sections;
  for (const Section& section : kSections) sections.emplace_back(section.name);
  options.only = sections;
  app.add_option("--rounds", options.setting.rounds, "rounds over all that a table compares")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--calls", options.setting.calls,
                 "calls of N=1 in a round of throughput; N times fewer of N, at least 3. Their median counts")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--batch_sizes", options.setting.batch_sizes, "N of the tables of throughput")
      ->delimiter(',')
      ->check(CLI::Range(std::int64_t{1}, kMaxBatchSize))
      ->capture_default_str();
  app.add_option("--paths", options.setting.paths,
                 "paths of throughput, beside the buffered floor and maskd's two of TCP: those with one of\n"
                 "these words in their names, such as tuned or TLS; all by default")
      ->delimiter(',');
  app.add_option("--only", options.only, "sections to measure")
      ->delimiter(',')
      ->check(CLI::IsMember(sections))
      ->capture_default_str();
  app.add_option("--threads", options.setting.threads, "threads of every server's masker; 0 takes one a core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option(
         "--congestion", options.congestion,
         "congestion control of every TCP socket: auto (the host's, but cubic for bbr), default (the\n"
         "host's), or a name such as cubic")
      ->capture_default_str();
  app.add_option("--maskd", options.setting.maskd, "path of maskd")->capture_default_str();
  app.add_option("--json", options.json, "file to write the figures of all rounds to");
}

// For processes that the benchmark starts, not for people: not in --help.
void AddRoleFlags(CLI::App& role, Options& options) {
  role.group("");
  role.add_option("--threads", options.setting.threads);
  role.add_flag("--default_malloc", options.default_malloc);
  role.add_option("--call", options.client.call.name);
  role.add_option("--address", options.client.call.address);
  role.add_option("--root_certificate", options.client.call.root_certificate);
  role.add_option("--batch_size", options.client.call.batch_size);
  role.add_option("--clients", options.client.call.clients);
  role.add_option("--warm_address", options.client.warm_address);
}

int Main(int argc, char** argv) {
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
  Options options;
  options.setting.program = program;
  options.setting.maskd = std::filesystem::path(program).replace_filename("maskd");
  CLI::App app(
      "transport_bench: batches masked through maskd, beside hand-written TCP and plain gRPC.\n\n"
      "Example: transport_bench --rounds=7 --only=throughput,first --json=transport.json",
      "transport_bench");
  AddFlags(app, options);
  auto* run = RunBenchmark;
  for (const Role& role : kRoles) {
    CLI::App* const command = app.add_subcommand(role.name);
    AddRoleFlags(*command, options);
    command->callback([&run, &role] { run = role.run; });
  }
  CLI11_PARSE(app, argc, argv);

  if (!options.default_malloc) KeepFreedMemory();
  LeaveOutMutexChecks();
  const absl::Status status = run(options);
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "transport_bench: %s\n", status.ToString().c_str());
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace maskd::transport

int main(int argc, char** argv) { return maskd::transport::Main(argc, argv); }
