// What a client of training jobs counts: how long the training waited, and for whom.
#ifndef MASKD_CLIENT_CLIENT_STATISTICS_H_
#define MASKD_CLIENT_CLIENT_STATISTICS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace maskd {

// Since the client was connected.
struct ClientStatistics {
  // One address. Its share of the work is that of its samples.
  struct Replica {
    std::string address;
    bool healthy = true;            // whether work goes there
    std::int64_t calls = 0;         // that it was sent, failed ones included
    std::int64_t samples = 0;       // that it masked
    std::int64_t failures = 0;      // calls that another had to make, or none could
    double samples_per_second = 0;  // of late, while it masked; 0: not measured
  };

  std::int64_t calls = 0;              // that ended
  std::int64_t failed_calls = 0;       // of these, with an error
  std::int64_t retries = 0;            // parts of calls that were sent again, here or elsewhere
  std::int64_t fallbacks = 0;          // calls computed in process, wholly or in part, for want of a server
  std::int64_t bytes_sent = 0;         // tokens and tensors, sent again or not
  std::int64_t bytes_received = 0;     // results
  double wait_seconds = 0;             // that training steps waited for masks
  std::int64_t waits = 0;              // of how many steps
  std::vector<Replica> replicas = {};  // in the order of the addresses
};

// In the text format of Prometheus, version 0.0.4: maskd_client_*.
std::string PrometheusText(const ClientStatistics& statistics);

}  // namespace maskd

#endif  // MASKD_CLIENT_CLIENT_STATISTICS_H_
