#include "kernels/cpu/scan_index.h"

namespace maskd {
namespace {

// For the compiler to vectorize for the target of its caller.
template <typename Index>
[[gnu::always_inline]] inline IndexScan Scan(std::span<const Index> index, std::int64_t size) {
  if (index.empty()) return {.in_range = true, .constant = true};
  const Index first = index[0];
  const auto last = static_cast<std::uint64_t>(size - 1);
  std::uint64_t signs = 0;  // the top bit of one of both is set for what is out of range
  std::uint64_t differences = 0;
  for (const Index i : index) {
    const auto wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(i));
    signs |= wide | (last - wide);
    differences |= static_cast<std::uint64_t>(static_cast<std::int64_t>(i ^ first));
  }
  return {.in_range = signs >> 63 == 0, .constant = differences == 0};
}

#ifdef __x86_64__

template <typename Index>
[[gnu::target("avx2")]] IndexScan ScanAvx2(std::span<const Index> index, std::int64_t size) {
  return Scan(index, size);
}

template <typename Index>
IndexScan ScanFast(std::span<const Index> index, std::int64_t size) {
  static const bool avx2 = __builtin_cpu_supports("avx2");
  return avx2 ? ScanAvx2(index, size) : Scan(index, size);
}

#else

template <typename Index>
IndexScan ScanFast(std::span<const Index> index, std::int64_t size) {
  return Scan(index, size);
}

#endif

}  // namespace

IndexScan ScanIndex(std::span<const std::int64_t> index, std::int64_t size) { return ScanFast(index, size); }
IndexScan ScanIndex(std::span<const std::int32_t> index, std::int64_t size) { return ScanFast(index, size); }
IndexScan ScanIndex(std::span<const std::uint16_t> index, std::int64_t size) { return ScanFast(index, size); }

}  // namespace maskd
