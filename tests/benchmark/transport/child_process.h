// A program that runs beside the benchmark and ends with it.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_CHILD_PROCESS_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_CHILD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/benchmark/transport/line_reader.h"

namespace maskd::transport {

// Its stdin and stdout are pipes, its stderr is the benchmark's. It is killed
// with this, or with the thread that started it.
class ChildProcess {
 public:
  // `arguments` begin with the path of the program.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(std::vector<std::string> arguments);
  ~ChildProcess();

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // Errors say which child failed, and how it ended.
  absl::Status WriteLine(const std::string& line);
  absl::StatusOr<std::string> ReadLine();

 private:
  ChildProcess(std::string name, pid_t pid, int input, int output)
      : name_(std::move(name)), pid_(pid), input_(input), output_(output), lines_(output) {}

  const std::string name_;  // of its command line
  const pid_t pid_;
  const int input_;
  const int output_;
  LineReader lines_;
};

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_CHILD_PROCESS_H_
