// The server of the naive path: generated synchronous service, protobuf bytes.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_NAIVE_SERVER_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_NAIVE_SERVER_H_

#include "absl/status/status.h"

namespace maskd::transport {

// Listens on any port of 127.0.0.1, prints "listening on ADDRESS" to stdout and
// serves RandomMasking with the CPU backend on `num_threads` threads, as
// MakeCpuMasker takes them. Returns if it cannot listen.
absl::Status ServeNaive(int num_threads);

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_NAIVE_SERVER_H_
