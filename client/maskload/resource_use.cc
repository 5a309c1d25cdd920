#include "client/maskload/resource_use.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/maskload/format_figures.h"

namespace maskd::maskload {
namespace {

double SecondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

std::string ProcessorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!absl::StartsWith(line, "model name")) continue;
    return std::string(absl::StripAsciiWhitespace(line.substr(line.find(':') + 1)));
  }
  return "unknown";
}

}  // namespace

ResourceUse ResourcesNow() {
  ResourceUse use;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  use.cpu_seconds = SecondsOf(usage.ru_utime) + SecondsOf(usage.ru_stime);
  use.peak_memory_bytes = std::int64_t{usage.ru_maxrss} * 1024;
  // The first line: "cpu" and ticks in user, nice, system, idle, iowait, ...
  std::ifstream file("/proc/stat");
  std::string line;
  if (!std::getline(file, line) || !absl::StartsWith(line, "cpu ")) return use;
  std::istringstream fields(line.substr(line.find(' ')));
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  // Of the eight, all but the fourth and fifth are of a core at work; what follows is in them.
  double ticks = 0;
  for (int field = 0; field < 8 && fields >> ticks; ++field) {
    use.machine_seconds += ticks / ticks_per_second;
    if (field != 3 && field != 4) use.machine_busy_seconds += ticks / ticks_per_second;
  }
  return use;
}

std::vector<Fact> MachineFacts() {
  utsname system{};
  uname(&system);
  const double memory =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return {{"processor", ProcessorName()},
          {"cores", absl::StrCat(std::thread::hardware_concurrency())},
          {"memory", FormatBytes(memory)},
          {"system", absl::StrCat(system.sysname, " ", system.release, " ", system.machine)}};
}

}  // namespace maskd::maskload
