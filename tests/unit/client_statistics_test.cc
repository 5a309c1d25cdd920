// The text that Prometheus reads.
#include "client/client_statistics.h"

#include <gtest/gtest.h>

namespace maskd {
namespace {

TEST(PrometheusTextTest, HasEveryCount) {
  const ClientStatistics statistics = {
      .calls = 7,
      .failed_calls = 1,
      .retries = 2,
      .fallbacks = 3,
      .bytes_sent = std::int64_t{1} << 53,
      .bytes_received = 5,
      .wait_seconds = 12345.0625,
      .waits = 6,
      .replicas = {{.address = "a:1", .calls = 4, .samples = 256, .samples_per_second = 1234.5},
                   {.address = "unix:/b\"\\c", .healthy = false, .failures = 1}}};
  EXPECT_EQ(PrometheusText(statistics),
            R"(# HELP maskd_client_calls_total Calls that ended.
# TYPE maskd_client_calls_total counter
maskd_client_calls_total 7
# HELP maskd_client_failed_calls_total Calls that ended with an error.
# TYPE maskd_client_failed_calls_total counter
maskd_client_failed_calls_total 1
# HELP maskd_client_retries_total Parts of calls that were sent again.
# TYPE maskd_client_retries_total counter
maskd_client_retries_total 2
# HELP maskd_client_fallbacks_total Calls that were computed in process, in whole or in part, because no server answered.
# TYPE maskd_client_fallbacks_total counter
maskd_client_fallbacks_total 3
# HELP maskd_client_sent_bytes_total Tokens and tensors that were sent.
# TYPE maskd_client_sent_bytes_total counter
maskd_client_sent_bytes_total 9007199254740992
# HELP maskd_client_received_bytes_total Results that came.
# TYPE maskd_client_received_bytes_total counter
maskd_client_received_bytes_total 5
# HELP maskd_client_wait_seconds_total Time that training steps waited for masks.
# TYPE maskd_client_wait_seconds_total counter
maskd_client_wait_seconds_total 12345.0625
# HELP maskd_client_waits_total Training steps whose wait was counted.
# TYPE maskd_client_waits_total counter
maskd_client_waits_total 6
# HELP maskd_client_replica_healthy Whether work goes to the replica.
# TYPE maskd_client_replica_healthy gauge
maskd_client_replica_healthy{address="a:1"} 1
maskd_client_replica_healthy{address="unix:/b\"\\c"} 0
# HELP maskd_client_replica_calls_total Calls that the replica was sent.
# TYPE maskd_client_replica_calls_total counter
maskd_client_replica_calls_total{address="a:1"} 4
maskd_client_replica_calls_total{address="unix:/b\"\\c"} 0
# HELP maskd_client_replica_samples_total Samples that the replica masked.
# TYPE maskd_client_replica_samples_total counter
maskd_client_replica_samples_total{address="a:1"} 256
maskd_client_replica_samples_total{address="unix:/b\"\\c"} 0
# HELP maskd_client_replica_failures_total Calls that the replica failed.
# TYPE maskd_client_replica_failures_total counter
maskd_client_replica_failures_total{address="a:1"} 0
maskd_client_replica_failures_total{address="unix:/b\"\\c"} 1
# HELP maskd_client_replica_samples_per_second Speed of the replica of late.
# TYPE maskd_client_replica_samples_per_second gauge
maskd_client_replica_samples_per_second{address="a:1"} 1234.5
maskd_client_replica_samples_per_second{address="unix:/b\"\\c"} 0
)");
}

TEST(PrometheusTextTest, HasNoReplicasInProcess) {
  EXPECT_EQ(PrometheusText({}).find("replica"), std::string::npos);
}

}  // namespace
}  // namespace maskd
