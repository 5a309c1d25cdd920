// A library for LD_PRELOAD that sets the congestion control of every TCP socket
// of a process: what congestion.h cannot do to gRPC's sockets otherwise.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_CONGESTION_PRELOAD_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_CONGESTION_PRELOAD_H_

namespace maskd::transport {

// The variable of the environment that names the algorithm. Sockets of a
// process without it are left alone.
inline constexpr char kCongestionVariable[] = "BENCH_CONGESTION";

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_CONGESTION_PRELOAD_H_
