// Time, injected so that pacing is tested without waiting.
#ifndef MASKD_CLIENT_MASKLOAD_CLOCK_H_
#define MASKD_CLIENT_MASKLOAD_CLOCK_H_

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace maskd::maskload {

using Nanos = std::chrono::nanoseconds;

inline double Seconds(Nanos time) { return std::chrono::duration<double>(time).count(); }

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Since some moment before the first use; never goes back.
  virtual Nanos Now() = 0;

  // Returns at `time`, or at once if that has passed, or when a stop is requested.
  virtual void SleepUntil(Nanos time, const std::stop_token& stop) = 0;
};

class SteadyClock final : public Clock {
 public:
  Nanos Now() override { return std::chrono::steady_clock::now().time_since_epoch(); }

  void SleepUntil(Nanos time, const std::stop_token& stop) override {
    if (time <= Now()) return;
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_until(lock, stop, std::chrono::steady_clock::time_point(time), [] { return false; });
  }
};

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_CLOCK_H_
