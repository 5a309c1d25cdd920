// A log-linear histogram of times, as HdrHistogram has it.
//
// Times below 256 ns have a bucket each. From there on every power of two is cut
// into 256 buckets of equal width, so a bucket is at most 1/256 of its times
// wide. A quantile is the upper end of its bucket, so it is never below the true
// one, and at most 1/256 (0.4 %) above it. Count, mean, least and greatest are
// exact.
#ifndef MASKD_CLIENT_MASKLOAD_LATENCY_RECORDER_H_
#define MASKD_CLIENT_MASKLOAD_LATENCY_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "client/maskload/clock.h"

namespace maskd::maskload {

// Takes memory as far as the greatest time needs: 46 KB for a second. Not
// thread-safe.
class LatencyRecorder {
 public:
  // A negative time counts as 0.
  void Record(Nanos time);

  // As if what `other` has recorded had been recorded here.
  void Merge(const LatencyRecorder& other);

  std::int64_t count() const { return count_; }

  // Those of nothing are 0.
  Nanos min() const { return min_; }
  Nanos max() const { return max_; }
  double mean_seconds() const;

  // The least time that `rank` of those recorded, 1 <= rank <= count(), do not
  // exceed.
  Nanos AtRank(std::int64_t rank) const;

  // The time that the share `q` in [0, 1] does not exceed; 0 of nothing.
  Nanos Quantile(double q) const;

 private:
  std::vector<std::int64_t> buckets_;
  std::int64_t count_ = 0;
  Nanos min_{0};
  Nanos max_{0};
  double sum_seconds_ = 0;
};

// The rank of quantile `q` of `count` >= 1 times: ceil(q * count), at least 1.
std::int64_t RankOf(double q, std::int64_t count);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_LATENCY_RECORDER_H_
