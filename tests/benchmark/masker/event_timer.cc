#include "tests/benchmark/masker/event_timer.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "tests/benchmark/masker/check.h"

namespace maskd::bench {
namespace {

constexpr std::size_t kCopyBytes = std::size_t{512} << 20;

// Of ascending values, linear between neighbours.
double Quantile(const std::vector<double>& values, double q) {
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - std::floor(place)) * (values[above] - values[below]);
}

}  // namespace

Timing Summarize(std::vector<double> microseconds) {
  std::sort(microseconds.begin(), microseconds.end());
  const double median = Quantile(microseconds, 0.5);
  return {median, (Quantile(microseconds, 0.75) - Quantile(microseconds, 0.25)) / median};
}

EventTimer::EventTimer(cudaStream_t stream, int repeats) : stream_(stream), repeats_(repeats) {
  Check(memory_.Reserve(2 * kCopyBytes), "cudaMalloc");
  Check(cudaMemsetAsync(memory_.data(), 1, memory_.size(), stream), "cudaMemsetAsync");
  Check(MakeCudaEvent(&begin_), "cudaEventCreate");
  Check(MakeCudaEvent(&end_), "cudaEventCreate");
}

void EventTimer::EnqueueCopy(std::size_t size) const {
  Check(cudaMemcpyAsync(memory_.data() + kCopyBytes, memory_.data(), size, cudaMemcpyDeviceToDevice, stream_),
        "cudaMemcpyAsync");
}

Timing EventTimer::Time(const Enqueue& enqueue) const {
  std::vector<double> microseconds;
  for (int repeat = 0; repeat < kWarmUps + repeats_; ++repeat) {
    EnqueueCopy(kCopyBytes);
    Check(cudaEventRecord(begin_.get(), stream_), "cudaEventRecord");
    enqueue(repeat);
    Check(cudaEventRecord(end_.get(), stream_), "cudaEventRecord");
    Check(cudaEventSynchronize(end_.get()), "cudaEventSynchronize");
    float milliseconds = 0.0f;
    Check(cudaEventElapsedTime(&milliseconds, begin_.get(), end_.get()), "cudaEventElapsedTime");
    if (repeat >= kWarmUps) microseconds.push_back(1e3 * static_cast<double>(milliseconds));
  }
  return Summarize(std::move(microseconds));
}

Timing EventTimer::TimeCopy(double bytes) const {
  return Time([this, bytes](int) {
    for (auto left = static_cast<std::size_t>(bytes / 2); left > 0; left -= std::min(left, kCopyBytes)) {
      EnqueueCopy(std::min(left, kCopyBytes));
    }
  });
}

double EventTimer::CopyRate() const {
  return 2e-3 * static_cast<double>(kCopyBytes) / Time([this](int) { EnqueueCopy(kCopyBytes); }).us;
}

int CountLaunches(cudaStream_t stream, const Enqueue& enqueue) {
  cudaGraph_t graph = nullptr;
  std::size_t nodes = 0;
  Check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  enqueue(0);
  Check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  Check(cudaGraphGetNodes(graph, nullptr, &nodes), "cudaGraphGetNodes");
  Check(cudaGraphDestroy(graph), "cudaGraphDestroy");
  return static_cast<int>(nodes);
}

}  // namespace maskd::bench
