#include "client/maskload/latency_recorder.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace maskd::maskload {
namespace {

constexpr int kBits = 8;
constexpr std::uint64_t kBucketsPerOctave = std::uint64_t{1} << kBits;

std::size_t BucketOf(std::uint64_t nanos) {
  if (nanos < kBucketsPerOctave) return nanos;
  // The leading kBits + 1 bits say which bucket.
  const int shift = std::bit_width(nanos) - (kBits + 1);
  return static_cast<std::size_t>(shift) * kBucketsPerOctave + (nanos >> shift);
}

// The greatest time in a bucket.
std::uint64_t UpperEnd(std::size_t bucket) {
  if (bucket < 2 * kBucketsPerOctave) return bucket;
  const auto shift = bucket / kBucketsPerOctave - 1;
  const std::uint64_t leading = bucket - shift * kBucketsPerOctave;
  return ((leading + 1) << shift) - 1;
}

}  // namespace

void LatencyRecorder::Record(Nanos time) {
  time = std::max(time, Nanos(0));
  const std::size_t bucket = BucketOf(static_cast<std::uint64_t>(time.count()));
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  min_ = count_ == 0 ? time : std::min(min_, time);
  max_ = std::max(max_, time);
  sum_seconds_ += Seconds(time);
  ++count_;
}

void LatencyRecorder::Merge(const LatencyRecorder& other) {
  if (other.count_ == 0) return;
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_seconds_ += other.sum_seconds_;
  count_ += other.count_;
}

double LatencyRecorder::mean_seconds() const {
  return count_ == 0 ? 0 : sum_seconds_ / static_cast<double>(count_);
}

Nanos LatencyRecorder::AtRank(std::int64_t rank) const {
  std::int64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) return std::min(max_, Nanos(UpperEnd(bucket)));
  }
  return max_;
}

Nanos LatencyRecorder::Quantile(double q) const { return count_ == 0 ? Nanos(0) : AtRank(RankOf(q, count_)); }

std::int64_t RankOf(double q, std::int64_t count) {
  // A count times 0.99 may come out a hair above the whole number that it is.
  const double place = q * static_cast<double>(count);
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(place - 1e-9 * place)), 1, count);
}

}  // namespace maskd::maskload
