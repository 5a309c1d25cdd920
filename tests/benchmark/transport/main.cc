// transport_bench: what it costs to have a batch masked through maskd, beside
// the least that it could cost, and what a user would write without maskd.
//
// Every path is measured from a process of its own against a server process of
// its own, in rounds that go over all paths, so that a noisy host disturbs all
// alike. The tables are defined in sections.h. Every result of every call is
// compared byte for byte; one that is wrong, or any call that fails, makes the
// exit status 1.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "kernels/host_memory.h"
#include "kernels/masker.h"
#include "kernels/status_macros.h"
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
  std::vector<std::string> only;  // names of sections; empty: all
  std::string congestion = "auto";
  std::string json;
};
