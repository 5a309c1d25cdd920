// Times of work on a stream.
#ifndef MASKD_TESTS_BENCHMARK_MASKER_EVENT_TIMER_H_
#define MASKD_TESTS_BENCHMARK_MASKER_EVENT_TIMER_H_

#include <cuda_runtime_api.h>

#include <functional>
#include <vector>

#include "kernels/cuda/cuda_handles.h"

namespace maskd::bench {

struct Timing {
  double us;      // median
  double spread;  // distance of the quartiles over the median
};

// Of at least one time.
Timing Summarize(std::vector<double> microseconds);

// Enqueues one repeat of what is timed.
using Enqueue = std::function<void(int repeat)>;

// Before each timing a large copy runs: it keeps the device busy until all is
// enqueued, and clears the L2.
class EventTimer {
 public:
  // Allocates the memory of that copy on the current device.
  EventTimer(cudaStream_t stream, int repeats);

  // The time between an event before and one behind what `enqueue` enqueues, of
  // `repeats` after a few that do not count.
  Timing Time(const Enqueue& enqueue) const;

  // A copy on the device that reads and writes `bytes` together.
  Timing TimeCopy(double bytes) const;

  // The rate of the large copy, bytes read and written, in GB/s.
  double CopyRate() const;

  int repeats() const { return repeats_; }
  cudaStream_t stream() const { return stream_; }

 private:
  void EnqueueCopy(std::size_t size) const;

  const cudaStream_t stream_;
  const int repeats_;
  DeviceBuffer memory_;
  CudaEvent begin_;
  CudaEvent end_;
};

inline constexpr int kWarmUps = 3;

// How many kernels, copies and fills `enqueue` enqueues on `stream`.
int CountLaunches(cudaStream_t stream, const Enqueue& enqueue);

}  // namespace maskd::bench

#endif  // MASKD_TESTS_BENCHMARK_MASKER_EVENT_TIMER_H_
