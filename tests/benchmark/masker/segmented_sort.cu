#include "tests/benchmark/masker/segmented_sort.h"

#include <cub/device/device_segmented_sort.cuh>

namespace maskd::bench {

cudaError_t LaunchSegmentedSort(const SegmentedSort& op, void* scratch, std::size_t* scratch_bytes,
                                cudaStream_t stream) {
  return cub::DeviceSegmentedSort::StableSortPairs(
      scratch, *scratch_bytes, op.keys, op.sorted_keys, op.indices, op.ids_shuffle,
      op.batch_size * op.sequence_length, op.batch_size, op.offsets, op.offsets + 1, stream);
}

}  // namespace maskd::bench
