// What a masking of the benchmark must give, from the CPU backend.
#ifndef MASKD_TESTS_BENCHMARK_MASKER_EXPECTED_RESULTS_H_
#define MASKD_TESTS_BENCHMARK_MASKER_EXPECTED_RESULTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/masker.h"
#include "tests/benchmark/masker/batch_shape.h"

namespace maskd::bench {

inline constexpr std::uint64_t kSeed = 0x5eed;
inline constexpr std::uint32_t kEpoch = 7;

// The masking of `shape` with seeded noise: int64 ids_restore, float32 mask,
// and kept tokens if it has tokens.
MaskingSpec SpecOf(const BatchShape& shape);

struct ExpectedResults {
  std::vector<std::int64_t> ids_restore;  // [N, L]
  std::vector<float> mask;                // [N, L]
  std::vector<std::int64_t> ids_keep;     // [N, K]
};

ExpectedResults MaskOnCpu(Masker& cpu, const BatchShape& shape);

}  // namespace maskd::bench

#endif  // MASKD_TESTS_BENCHMARK_MASKER_EXPECTED_RESULTS_H_
