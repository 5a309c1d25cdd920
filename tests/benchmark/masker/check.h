// How the benchmark ends when something is wrong.
#ifndef MASKD_TESTS_BENCHMARK_MASKER_CHECK_H_
#define MASKD_TESTS_BENCHMARK_MASKER_CHECK_H_

#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"

namespace maskd::bench {

[[noreturn]] inline void Fail(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "masker_bench: %s\n", message.c_str());
  std::exit(1);
}

inline void Check(cudaError_t error, const char* call) {
  if (error != cudaSuccess) Fail(std::string(call) + ": " + cudaGetErrorString(error));
}

inline void Check(const absl::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

}  // namespace maskd::bench

#endif  // MASKD_TESTS_BENCHMARK_MASKER_CHECK_H_
