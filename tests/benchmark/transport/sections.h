// What is measured. Each section starts its own servers and clients, goes round
// by round over what it compares, and adds its tables to the report. Ratios are
// of values of the same round.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_SECTIONS_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_SECTIONS_H_

#include "absl/status/status.h"
#include "tests/benchmark/transport/report.h"
#include "tests/benchmark/transport/setting.h"

namespace maskd::transport {

// The paths of the setting at each of its batch sizes: median time of a call, bytes of tokens and
// results moved a second, throughput over that of the buffered floor, and time
// over that of the unary and of the streamed call.
absl::Status MeasureThroughput(const Setting& setting, Report& report);

// GenerateMask of N=1 beside the empty RPC: latencies of one call at a time, and
// calls a second with kInFlight in flight. On cores that are kept awake, with new
// processes in each round.
absl::Status MeasureSmallCalls(const Setting& setting, Report& report);

// Latencies of one small call at a time, alone and beside a client that has N=64
// masked without a break (but for the comparison of its results), and what share
// of its calls a second alone that client still makes. The empty RPC, whose
// server is a process of its own, shows what such a client costs by taking cores
// alone.
absl::Status MeasureMixedCalls(const Setting& setting, Report& report);

// The first call of N=64 to a server that has just said that it listens, over
// its later calls. The client is a process that has made such calls to another
// server; maskd's first call connects, the floor's is connected.
absl::Status MeasureFirstCalls(const Setting& setting, Report& report);

// The most memory that maskd took with a budget of 512 MB, while 32 clients sent
// N=256 at the same time.
absl::Status MeasureMemory(const Setting& setting, Report& report);

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_SECTIONS_H_
