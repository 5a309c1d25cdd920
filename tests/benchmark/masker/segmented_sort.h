// cub::DeviceSegmentedSort, to compare with.
#ifndef MASKD_TESTS_BENCHMARK_MASKER_SEGMENTED_SORT_H_
#define MASKD_TESTS_BENCHMARK_MASKER_SEGMENTED_SORT_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace maskd::bench {

// Device pointers, row-major.
struct SegmentedSort {
  const std::uint32_t* keys;     // [N, L]
  const std::uint32_t* indices;  // [N, L]
  std::uint32_t* sorted_keys;    // [N, L], written
  std::uint32_t* ids_shuffle;    // [N, L], written: indices in stable order of their keys
  const std::int64_t* offsets;   // [N + 1]: n * L
  std::int64_t batch_size;
  std::int64_t sequence_length;
};

// Two calls: without `scratch` it sets `scratch_bytes`, with it it enqueues.
cudaError_t LaunchSegmentedSort(const SegmentedSort& op, void* scratch, std::size_t* scratch_bytes,
                                cudaStream_t stream);

}  // namespace maskd::bench

#endif  // MASKD_TESTS_BENCHMARK_MASKER_SEGMENTED_SORT_H_
