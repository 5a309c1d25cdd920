// Keeps a flood of failing calls from becoming a flood of lines.
#ifndef MASKD_SERVER_LINE_QUOTA_H_
#define MASKD_SERVER_LINE_QUOTA_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace maskd {

// So many lines in each second. Thread-safe.
class LineQuota {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit LineQuota(std::int64_t lines_a_second) : lines_a_second_(lines_a_second) {}

  // If a line may be written at `now`: how many were left out since the last one that
  // was. The first line of a second may always.
  std::optional<std::int64_t> Take(Time now) {
    const std::lock_guard lock(mutex_);
    if (now - second_ >= std::chrono::seconds(1)) {
      second_ = now;
      lines_ = 0;
    }
    if (lines_ == lines_a_second_) {
      ++left_out_;
      return std::nullopt;
    }
    ++lines_;
    return std::exchange(left_out_, 0);
  }

 private:
  const std::int64_t lines_a_second_;
  std::mutex mutex_;
  Time second_;                // the beginning of it; guarded by mutex_
  std::int64_t lines_ = 0;     // in it; guarded by mutex_
  std::int64_t left_out_ = 0;  // guarded by mutex_
};

}  // namespace maskd

#endif  // MASKD_SERVER_LINE_QUOTA_H_
