// The server of the floors: what masking over TCP costs without gRPC.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_FLOOR_SERVER_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_FLOOR_SERVER_H_

#include "absl/status/status.h"

namespace maskd::transport {

// Listens on any port of 127.0.0.1, prints "listening on ADDRESS" to stdout and
// serves every connection on a thread of its own, from buffers of its own that
// are faulted in. Masks with the CPU backend on `num_threads` threads, as
// MakeCpuMasker takes them. Returns if it can accept no more.
absl::Status ServeFloors(int num_threads);

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_FLOOR_SERVER_H_
