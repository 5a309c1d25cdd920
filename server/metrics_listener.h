// Metrics over HTTP, for Prometheus.
#ifndef MASKD_SERVER_METRICS_LISTENER_H_
#define MASKD_SERVER_METRICS_LISTENER_H_

#include <prometheus/collectable.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace prometheus {
class Exposer;
}

namespace maskd {

// Answers GET /metrics on two threads of its own, until it is destroyed. Whoever asks
// too often or reads too slowly keeps others from the page, and no call waiting.
class MetricsListener {
 public:
  // `address` is host:port, with the address of an interface or "localhost" as host, or
  // a port on 127.0.0.1. Port 0: any free one. `metrics` has to outlive the listener.
  //
  // Returns INVALID_ARGUMENT if the address is malformed, and UNAVAILABLE if it cannot be
  // listened on.
  static absl::StatusOr<std::unique_ptr<MetricsListener>> Start(
      const std::string& address, std::shared_ptr<prometheus::Collectable> metrics);
  ~MetricsListener();

  // With the port that was picked.
  const std::string& address() const { return address_; }

 private:
  MetricsListener(std::unique_ptr<prometheus::Exposer> exposer, std::string address);

  const std::unique_ptr<prometheus::Exposer> exposer_;
  const std::string address_;
};

// Returns INVALID_ARGUMENT unless `address` is as Start takes it.
absl::Status CheckMetricsAddress(const std::string& address);

}  // namespace maskd

#endif  // MASKD_SERVER_METRICS_LISTENER_H_
