#include "client/maskload/timeline.h"

#include <utility>

namespace maskd::maskload {

TimeSlice& Timeline::At(Nanos time) {
  while (static_cast<std::size_t>(time / slice_length_) >= max_slices_) {
    slices_.resize((slices_.size() + 1) / 2 * 2);
    for (std::size_t i = 0; i < slices_.size(); i += 2) {
      TimeSlice pair = std::move(slices_[i]);
      pair.latency.Merge(slices_[i + 1].latency);
      pair.errors += slices_[i + 1].errors;
      pair.bytes += slices_[i + 1].bytes;
      slices_[i / 2] = std::move(pair);
    }
    slices_.resize(slices_.size() / 2);
    slice_length_ *= 2;
  }
  const auto index = static_cast<std::size_t>(time / slice_length_);
  if (index >= slices_.size()) slices_.resize(index + 1);
  return slices_[index];
}

}  // namespace maskd::maskload
