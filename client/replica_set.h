// Servers that give the same answers: which of them is asked, and for how long.
#ifndef MASKD_CLIENT_REPLICA_SET_H_
#define MASKD_CLIENT_REPLICA_SET_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/attempt.h"
#include "client/client_statistics.h"
#include "client/masking_client.h"
#include "client/tensor_client.h"

namespace maskd {

// Whether `status` is of the server rather than of what was asked for, so that
// another may answer.
bool IsOfServer(const absl::Status& status);

// Thread-safe.
class ReplicaSet {
 public:
  // One server.
  struct Replica {
    std::string address;
    std::unique_ptr<MaskingClient> masking = {};
    std::unique_ptr<TensorClient> tensors = {};
  };

  // What one replica can do alone, as well as any other.
  struct Work {
    // For its speed: samples, and bytes of tokens and results. 0 where they say
    // nothing of the time that it takes.
    std::int64_t samples = 0;
    std::int64_t masked_bytes = 0;
    // Of tokens and tensors.
    std::int64_t sent_bytes = 0;
    // Returns the bytes of the results.
    std::function<absl::StatusOr<std::int64_t>(Replica& replica, const CallLimits& limits)> call = {};
  };

  // Counters of ClientStatistics.
  struct Counts {
    std::int64_t retries = 0;
    std::int64_t bytes_sent = 0;
    std::int64_t bytes_received = 0;
    std::vector<ClientStatistics::Replica> replicas = {};
  };

  // At least one address. Calls on a replica are single attempts, and may take
  // `least_patience` at least where there is the time.
  //
  // Returns INVALID_ARGUMENT if an address is neither "host:port" nor "unix:path".
  static absl::StatusOr<std::unique_ptr<ReplicaSet>> Connect(const std::vector<std::string>& addresses,
                                                             MaskingClient::Options options,
                                                             std::chrono::milliseconds least_patience);
  ~ReplicaSet();

  // How many of `batch_size` samples each replica is to mask, by their speeds. Those
  // that are left out mask none; if all are, one has the batch.
  std::vector<std::int64_t> ShareOut(std::int64_t batch_size, std::int64_t least_samples);

  // Asks one replica after another, `first` before the others, until one does the
  // work or the work is at fault. Those that are left out come last, and not at
  // all if there is an `alternative`, which is left a share of the time.
  //
  // Returns the status of that one, or one with the sentences of all.
  // `attempts` counts over several calls with one work.
  Outcome Do(const Work& work, std::optional<std::size_t> first, bool alternative, const CallScope& scope,
             int& attempts);

  Counts counts() const;

 private:
  using Clock = std::chrono::steady_clock;

  // What is known of a replica.
  struct State {
    ClientStatistics::Replica counts;
    double bytes_per_second = 0;  // of late; 0: not measured
    int under_way = 0;
    int failures_in_a_row = 0;
    Clock::time_point next_probe = {};  // if not healthy
    std::string last_error = {};
  };

  ReplicaSet(std::vector<Replica> replicas, std::chrono::milliseconds least_patience,
             std::chrono::milliseconds telling_delay);

  // Those to ask, in order; the first `healthy` of them are.
  std::vector<std::size_t> OrderFrom(std::optional<std::size_t> first, std::size_t* healthy) const;
  // How long replica `i` may take if `others` may be asked behind it.
  std::chrono::milliseconds PatienceWith(std::size_t i, const Work& work, std::size_t others,
                                         const CallScope& scope) const;
  // `limits` have a timeout.
  absl::Status Ask(std::size_t i, const Work& work, const CallLimits& limits);
  void TakeOut(State& state, const absl::Status& status);
  // Estimates of calls per replica: what is not measured is hoped to be fast.
  std::vector<double> Speeds() const;
  // Asks replicas that are left out for one mask, when their pauses have passed.
  void Probe(const std::stop_token& stop);

  const std::chrono::milliseconds least_patience_;
  const std::chrono::milliseconds telling_delay_;  // without an answer, after which a replica is left out
  std::vector<Replica> replicas_;
  mutable std::mutex mutex_;
  std::condition_variable_any left_out_;
  std::vector<State> states_;  // guarded by mutex_, as are the next
  std::int64_t retries_ = 0;
  std::int64_t bytes_sent_ = 0;
  std::int64_t bytes_received_ = 0;
  std::jthread prober_;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_REPLICA_SET_H_
