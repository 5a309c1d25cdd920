// What is measured, a table each. Results are compared with the CPU backend's;
// a difference ends the benchmark.
#ifndef MASKD_TESTS_BENCHMARK_MASKER_SECTIONS_H_
#define MASKD_TESTS_BENCHMARK_MASKER_SECTIONS_H_

#include <cstdint>
#include <span>
#include <string>

#include "kernels/masker.h"
#include "tests/benchmark/masker/batch_shape.h"
#include "tests/benchmark/masker/event_timer.h"
#include "tests/benchmark/masker/report.h"

namespace maskd::bench {

// A way of gathering tokens that are in host memory (GatherWay).
struct HostWay {
  std::string what;
  Masker& masker;
  bool pinned;  // whether tokens are in memory of AllocateTokenMemory
};

struct Setting {
  const EventTimer& timer;
  Masker& cpu;
  std::span<const HostWay> host_ways;
  double copy_rate;           // GB/s
  std::int64_t l2_bytes;      // of the device
  std::int64_t device_bytes;  // at most so much of its memory
  std::int64_t host_bytes;    // at most so much of tokens on the host
};

// Tokens and results in device memory; also with an early gather and as one
// kernel, which the backend does not use, if `all_ways`.
void TimeDeviceResident(const Setting& setting, std::span<const BatchShape> shapes, bool all_ways,
                        Report& report);

// Tokens and results in host memory, through Masker, each way, by the clock.
void TimeHostResident(const Setting& setting, std::span<const BatchShape> shapes, Report& report);

// The order of L=65536, N=16, beside cub::DeviceSegmentedSort of the same keys.
void TimeOrderBesideSort(const Setting& setting, Report& report);

}  // namespace maskd::bench

#endif  // MASKD_TESTS_BENCHMARK_MASKER_SECTIONS_H_
