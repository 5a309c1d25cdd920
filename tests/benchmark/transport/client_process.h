// A process that makes calls of one kind when it is told to, so that every path
// is measured from a clean one. Commands come to its stdin, one a line:
//
//   call COUNT   makes COUNT calls and answers the seconds of each
//   load         answers a line after a few calls, and goes on calling until the
//                next line comes; then it answers how many calls it made since
//                that answer, and in how many seconds
//
// The first line of its stdout says that it is connected.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_CLIENT_PROCESS_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_CLIENT_PROCESS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/benchmark/transport/child_process.h"
#include "tests/benchmark/transport/measured_call.h"
#include "tests/benchmark/transport/setting.h"

namespace maskd::transport {

struct ClientOptions {
  MeasuredCallChoice call;
  // Another server, with which the process warms up before it connects.
  std::string warm_address = {};
  // Of a process that ClientProcess starts: malloc as it is, not KeepFreedMemory.
  bool default_malloc = false;
};

// What the process does: returns at the end of stdin, or the error of a call.
absl::Status ServeCommands(const ClientOptions& options);

// The benchmark's end.
class ClientProcess {
 public:
  static absl::StatusOr<ClientProcess> Start(const Setting& setting, const ClientOptions& options);

  // The seconds of each of `count` calls, which follow `warm_ups` others.
  absl::StatusOr<std::vector<double>> Call(int warm_ups, int count);

  absl::Status StartLoad();
  // Calls a second since StartLoad returned.
  absl::StatusOr<double> StopLoad();

 private:
  explicit ClientProcess(std::unique_ptr<ChildProcess> process) : process_(std::move(process)) {}

  std::unique_ptr<ChildProcess> process_;
};

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_CLIENT_PROCESS_H_
