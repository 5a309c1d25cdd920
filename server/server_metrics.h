// What this server tells Prometheus: docs/metrics.md lists it.
#ifndef MASKD_SERVER_SERVER_METRICS_H_
#define MASKD_SERVER_SERVER_METRICS_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <mutex>
#include <vector>

#include "kernels/masker.h"
#include "server/calls.h"

namespace maskd {

// Thread-safe. Calls wait for none of it: it reads what they count.
class ServerMetrics final : public prometheus::Collectable {
 public:
  // `parts` has to outlive the last Collect.
  explicit ServerMetrics(const CallParts& parts) : parts_(parts) {}

  // Of a call that has ended all numbers are there, once it is not in flight.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  // Of the devices, a second old at most: their driver is not to be asked for each
  // page.
  std::vector<DeviceMemoryUse> Memory() const;

  const CallParts& parts_;
  mutable std::mutex mutex_;
  mutable std::vector<DeviceMemoryUse> memory_;                // guarded by mutex_
  mutable std::chrono::steady_clock::time_point memory_time_;  // guarded by mutex_
};

}  // namespace maskd

#endif  // MASKD_SERVER_SERVER_METRICS_H_
