// The servers that the benchmark compares, each a process of its own.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_SERVER_PROCESS_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_SERVER_PROCESS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/benchmark/transport/child_process.h"
#include "tests/benchmark/transport/setting.h"

namespace maskd::transport {

// Runs until it is destroyed.
class ServerProcess {
 public:
  // The roles of this program. They return once the server listens.
  static absl::StatusOr<ServerProcess> Floors(const Setting& setting);
  static absl::StatusOr<ServerProcess> Naive(const Setting& setting, bool default_malloc);
  static absl::StatusOr<ServerProcess> Empty(const Setting& setting, bool callbacks = false);

  // maskd with its defaults, one --listen for each of `listen`, and `flags`.
  static absl::StatusOr<ServerProcess> Maskd(const Setting& setting, const std::vector<std::string>& listen,
                                             const std::vector<std::string>& flags = {});

  // What it listens on, in the order of `listen`.
  const std::vector<std::string>& addresses() const { return addresses_; }
  const std::string& address() const { return addresses_.front(); }

  // The most memory that it had so far (VmHWM).
  absl::StatusOr<std::int64_t> PeakResidentBytes() const;

 private:
  ServerProcess(std::unique_ptr<ChildProcess> process, std::vector<std::string> addresses)
      : process_(std::move(process)), addresses_(std::move(addresses)) {}

  static absl::StatusOr<ServerProcess> Start(std::vector<std::string> arguments, std::size_t num_addresses);

  std::unique_ptr<ChildProcess> process_;
  std::vector<std::string> addresses_;
};

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_SERVER_PROCESS_H_
