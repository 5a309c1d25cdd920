// Places in one array for the elements of another of the same rank: what
// broadcasting, and gather along a dim, have in common. Plain arithmetic.
#ifndef MASKD_KERNELS_CUDA_STRIDED_PLACES_H_
#define MASKD_KERNELS_CUDA_STRIDED_PLACES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/host_device.h"

namespace maskd {

// Element i of a row-major array, at (i_0, i_1, ..), goes with the place
// i_0 * stride_0 + i_1 * stride_1 + ..
class StridedPlaces {
 public:
  // At most 8 dimensions, as many strides.
  StridedPlaces(std::span<const std::int64_t> shape, std::span<const std::int64_t> strides) {
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (rank_ > 0 && strides_[rank_ - 1] == shape[d] * strides[d]) {
        sizes_[rank_ - 1] *= shape[d];  // one dimension with the one before
        strides_[rank_ - 1] = strides[d];
      } else {
        sizes_[rank_] = shape[d];
        strides_[rank_++] = strides[d];
      }
    }
  }

  MASKD_HOST_DEVICE std::int64_t At(std::int64_t i) const {
    std::int64_t place = 0;
    for (int d = rank_ - 1; d > 0; --d) {
      place += i % sizes_[d] * strides_[d];
      i /= sizes_[d];
    }
    return rank_ > 0 ? place + i * strides_[0] : 0;
  }

 private:
  static constexpr int kMaxRank = 8;
  int rank_ = 0;
  std::int64_t sizes_[kMaxRank] = {};
  std::int64_t strides_[kMaxRank] = {};
};

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_STRIDED_PLACES_H_
