// The first of the places at which threads found something.
#ifndef MASKD_KERNELS_CPU_FIRST_PLACE_H_
#define MASKD_KERNELS_CPU_FIRST_PLACE_H_

#include <atomic>
#include <cstdint>
#include <limits>

namespace maskd {

// Thread-safe.
class FirstPlace {
 public:
  void Note(std::int64_t place) {
    for (std::int64_t known = first_; place < known && !first_.compare_exchange_weak(known, place);) {
    }
  }

  // The least that was noted; -1 if none was.
  std::int64_t value() const {
    const std::int64_t first = first_;
    return first == kNone ? -1 : first;
  }

 private:
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  std::atomic<std::int64_t> first_ = kNone;
};

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_FIRST_PLACE_H_
