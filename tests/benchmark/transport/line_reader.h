// Lines of a pipe, for both ends of the commands in client_process.h.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_LINE_READER_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_LINE_READER_H_

#include <chrono>
#include <string>

#include "absl/status/statusor.h"

namespace maskd::transport {

class LineReader {
 public:
  // Does not take `fd`.
  explicit LineReader(int fd) : fd_(fd) {}

  // The next line without its end. Returns OUT_OF_RANGE at the end of the file
  // and DEADLINE_EXCEEDED if no whole line comes within `timeout` (negative:
  // waits without end).
  absl::StatusOr<std::string> ReadLine(std::chrono::milliseconds timeout);

  // Whether ReadLine would return, or have some of a line, at once.
  bool HasInput() const;

 private:
  const int fd_;
  std::string read_;  // not returned yet
};

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_LINE_READER_H_
