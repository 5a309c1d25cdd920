// Time that passes only when somebody sleeps or works.
#ifndef MASKD_TESTS_MASKLOAD_SIMULATED_CLOCK_H_
#define MASKD_TESTS_MASKLOAD_SIMULATED_CLOCK_H_

#include <algorithm>
#include <atomic>

#include "client/maskload/clock.h"

namespace maskd::maskload {

// For one thread that sleeps; others may look.
class SimulatedClock final : public Clock {
 public:
  Nanos Now() override { return Nanos(now_.load()); }
  void SleepUntil(Nanos time, const std::stop_token&) override { now_ = std::max(now_.load(), time.count()); }

  void Pass(Nanos time) { now_ += time.count(); }

 private:
  std::atomic<Nanos::rep> now_ = 1'000'000'000'000;  // not 0, so that nobody takes it for the start
};

}  // namespace maskd::maskload

#endif  // MASKD_TESTS_MASKLOAD_SIMULATED_CLOCK_H_
