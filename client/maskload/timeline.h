// What happened when: a run in slices of equal length.
#ifndef MASKD_CLIENT_MASKLOAD_TIMELINE_H_
#define MASKD_CLIENT_MASKLOAD_TIMELINE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "client/maskload/clock.h"
#include "client/maskload/latency_recorder.h"

namespace maskd::maskload {

// The calls that ended in a slice.
struct TimeSlice {
  LatencyRecorder latency = {};  // of those that succeeded
  std::int64_t errors = 0;
  std::int64_t bytes = 0;
};

// Keeps `max_slices` at most: beyond that, slices become twice as long, two by
// two. So memory does not grow with the run. Not thread-safe.
class Timeline {
 public:
  // `max_slices` is even.
  explicit Timeline(Nanos slice_length = std::chrono::milliseconds(250), std::size_t max_slices = 160)
      : slice_length_(slice_length), max_slices_(max_slices) {}

  // The slice that has `time`, from the start of the run.
  TimeSlice& At(Nanos time);

  Nanos slice_length() const { return slice_length_; }
  // The first begins with the run.
  const std::vector<TimeSlice>& slices() const { return slices_; }

 private:
  Nanos slice_length_;
  const std::size_t max_slices_;
  std::vector<TimeSlice> slices_;
};

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_TIMELINE_H_
