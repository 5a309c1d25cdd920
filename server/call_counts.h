// Numbers about calls, counted as they run. docs/metrics.md says what each is.
#ifndef MASKD_SERVER_CALL_COUNTS_H_
#define MASKD_SERVER_CALL_COUNTS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "server/code_names.h"
#include "server/methods.h"
#include "server/refusal.h"
#include "server/stage_clock.h"

namespace maskd {

// Goes up, or up and down. Nobody waits for it: thread-safe without a lock, as all
// of this header.
class Count {
 public:
  void Add(std::int64_t change) { value_.fetch_add(change, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_ = 0;
};

// How often what took how long.
class DurationCounts {
 public:
  // Upper bounds of the buckets, included; behind them there is one without.
  static constexpr std::array<std::chrono::nanoseconds, 20> kBounds = {
      std::chrono::microseconds(10),   std::chrono::microseconds(25),   std::chrono::microseconds(50),
      std::chrono::microseconds(100),  std::chrono::microseconds(250),  std::chrono::microseconds(500),
      std::chrono::microseconds(1000), std::chrono::microseconds(2500), std::chrono::milliseconds(5),
      std::chrono::milliseconds(10),   std::chrono::milliseconds(25),   std::chrono::milliseconds(50),
      std::chrono::milliseconds(100),  std::chrono::milliseconds(250),  std::chrono::milliseconds(500),
      std::chrono::milliseconds(1000), std::chrono::milliseconds(2500), std::chrono::seconds(5),
      std::chrono::seconds(10),        std::chrono::seconds(30)};

  void Add(std::chrono::nanoseconds time) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && time > kBounds[bucket]) ++bucket;
    buckets_[bucket].Add(1);
    nanoseconds_.Add(time.count());
  }

  // Of one bucket alone.
  std::int64_t bucket(std::size_t index) const { return buckets_[index].value(); }
  double seconds() const { return static_cast<double>(nanoseconds_.value()) * 1e-9; }

 private:
  std::array<Count, kBounds.size() + 1> buckets_;
  Count nanoseconds_;
};

struct MethodCounts {
  // Calls that have been accepted and have not ended. An end is counted before
  // this goes down, with release.
  std::atomic<std::int64_t> in_flight = 0;
  std::array<Count, kCodeNames.size()> ended;  // by code
  Count retries;
  Count received_bytes;
  Count sent_bytes;
  DurationCounts seconds;
  std::array<DurationCounts, kStageNames.size()> stages;
};

struct CallCounts {
  MethodCounts& operator[](Method method) { return methods[static_cast<std::size_t>(method)]; }

  std::array<MethodCounts, kMethodPaths.size()> methods;
  std::array<Count, kRefusalNames.size()> refusals;
  std::array<Count, 4> batches;  // by NoiseSource
  Count refused_connections;
};

}  // namespace maskd

#endif  // MASKD_SERVER_CALL_COUNTS_H_
