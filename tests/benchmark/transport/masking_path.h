// The ways to have a batch masked that the benchmark compares.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_MASKING_PATH_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_MASKING_PATH_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "kernels/masking_spec.h"
#include "tests/benchmark/transport/batch.h"

namespace maskd::transport {

// A connection to a server, for one call at a time.
class MaskingPath {
 public:
  virtual ~MaskingPath() = default;

  // Masks `tokens`. The results lie in memory of the path until its next call.
  virtual absl::StatusOr<ResultSpans> Mask(const MaskingSpec& spec, std::span<const std::byte> tokens) = 0;
};

struct PathTarget {
  std::string address;           // "host:port" or "unix:path"
  std::string root_certificate;  // path of a PEM file; empty: no TLS
  ResultBytes result_bytes;      // of every call
};

// Hand-written TCP, see floor_protocol.h. Return once the server is ready.
absl::StatusOr<std::unique_ptr<MaskingPath>> ConnectBufferedFloor(const PathTarget& target);
absl::StatusOr<std::unique_ptr<MaskingPath>> ConnectStreamingFloor(const PathTarget& target);

// The generated stub, messages built anew for every call.
absl::StatusOr<std::unique_ptr<MaskingPath>> ConnectNaive(const PathTarget& target);

// MaskingClient, made to send every batch in one message or to stream every
// batch. What the server has no room for is tried again for minutes.
absl::StatusOr<std::unique_ptr<MaskingPath>> ConnectUnary(const PathTarget& target);
absl::StatusOr<std::unique_ptr<MaskingPath>> ConnectStream(const PathTarget& target);

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_MASKING_PATH_H_
