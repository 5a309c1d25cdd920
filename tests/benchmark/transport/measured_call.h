// What a client process repeats and times.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_MEASURED_CALL_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_MEASURED_CALL_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace maskd::transport {

// Connected to a server, for one thread.
class MeasuredCall {
 public:
  virtual ~MeasuredCall() = default;

  // The seconds that it took, without the check of its results, which follows.
  // An error if the call failed or any byte of its results is wrong.
  virtual absl::StatusOr<double> Call() = 0;
};

// A time that began when this was made.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

struct MeasuredCallChoice {
  // A path of masking_path.h: floor-buffered, floor-streaming, naive, unary or
  // stream. Or a call of small_calls.h: generate-mask, generate-mask-client,
  // generate-mask-in-flight, empty or empty-in-flight.
  std::string name = {};
  std::string address = {};           // "host:port" or "unix:path"
  std::string root_certificate = {};  // path of a PEM file; empty: no TLS
  std::int64_t batch_size = 1;        // N
  // Of a path: how many clients call at the same time, each on a connection of
  // its own. The call lasts until all are done.
  int clients = 1;
};

// Returns INVALID_ARGUMENT for an unknown name, or why there is no connection.
absl::StatusOr<std::unique_ptr<MeasuredCall>> MakeMeasuredCall(const MeasuredCallChoice& choice);

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_MEASURED_CALL_H_
