// What a run of indices is like, before it is followed.
#ifndef MASKD_KERNELS_CPU_SCAN_INDEX_H_
#define MASKD_KERNELS_CPU_SCAN_INDEX_H_

#include <cstdint>
#include <span>

namespace maskd {

struct IndexScan {
  bool in_range;  // all are in [0, size)
  bool constant;  // all are the same
};

IndexScan ScanIndex(std::span<const std::int64_t> index, std::int64_t size);
IndexScan ScanIndex(std::span<const std::int32_t> index, std::int64_t size);
IndexScan ScanIndex(std::span<const std::uint16_t> index, std::int64_t size);

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_SCAN_INDEX_H_
