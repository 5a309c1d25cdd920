#include "tests/benchmark/transport/server_process.h"

#include <cstddef>
#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "kernels/status_macros.h"

namespace maskd::transport {

absl::StatusOr<ServerProcess> ServerProcess::Start(std::vector<std::string> arguments,
                                                   std::size_t num_addresses) {
  MASKD_ASSIGN_OR_RETURN(auto process, ChildProcess::Start(std::move(arguments)));
  std::vector<std::string> addresses;
  while (addresses.size() < num_addresses) {
    MASKD_ASSIGN_OR_RETURN(const std::string line, process->ReadLine());
    absl::string_view address = line;
    if (absl::ConsumePrefix(&address, "listening on ")) addresses.emplace_back(address);
  }
  return ServerProcess(std::move(process), std::move(addresses));
}

absl::StatusOr<ServerProcess> ServerProcess::Floors(const Setting& setting) {
  return Start({setting.program, "serve-floors", absl::StrCat("--threads=", setting.threads)}, 1);
}

absl::StatusOr<ServerProcess> ServerProcess::Naive(const Setting& setting, bool default_malloc) {
  std::vector<std::string> arguments = {setting.program, "serve-naive",
                                        absl::StrCat("--threads=", setting.threads)};
  if (default_malloc) arguments.emplace_back("--default_malloc");
  return Start(std::move(arguments), 1);
}

absl::StatusOr<ServerProcess> ServerProcess::Empty(const Setting& setting, bool callbacks) {
  return Start({setting.program, callbacks ? "serve-empty-by-callbacks" : "serve-empty"}, 1);
}

absl::StatusOr<ServerProcess> ServerProcess::Maskd(const Setting& setting,
                                                   const std::vector<std::string>& listen,
                                                   const std::vector<std::string>& flags) {
  std::vector<std::string> arguments = {setting.maskd, "--device=cpu", "--log_level=warn",
                                        absl::StrCat("--threads=", setting.threads)};
  for (const std::string& address : listen) arguments.push_back(absl::StrCat("--listen=", address));
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return Start(std::move(arguments), listen.size());
}

absl::StatusOr<std::int64_t> ServerProcess::PeakResidentBytes() const {
  std::ifstream status(absl::StrCat("/proc/", process_->pid(), "/status"));
  for (std::string line; std::getline(status, line);) {
    absl::string_view value = line;
    std::int64_t kilobytes = 0;
    if (absl::ConsumePrefix(&value, "VmHWM:") && absl::ConsumeSuffix(&value, "kB") &&
        absl::SimpleAtoi(value, &kilobytes)) {
      return kilobytes * 1024;
    }
  }
  return absl::UnavailableError("the server has ended");
}

}  // namespace maskd::transport
