// Lets calls in until the server drains, and knows when the last is out.
#ifndef MASKD_SERVER_CALL_GATE_H_
#define MASKD_SERVER_CALL_GATE_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/refusal.h"

namespace maskd {

// Thread-safe. Outlives its passes.
class CallGate {
 public:
  // Held while a call runs.
  class Pass {
   public:
    explicit Pass(CallGate* gate) : gate_(gate) {}
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->Leave();
    }

   private:
    CallGate* gate_;
  };

  // Returns UNAVAILABLE once closed.
  absl::StatusOr<Pass> Enter() {
    const std::lock_guard lock(mutex_);
    if (closed_)
      return Refused(
          Refusal::kDraining,
          absl::UnavailableError("this server is draining; retry on another replica, the bits are the same"));
    ++inside_;
    return Pass(this);
  }

  // Refuses calls from now on.
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

  // Waits until no call is inside; false if that took until `deadline`.
  bool WaitUntilEmpty(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    return empty_.wait_until(lock, deadline, [this] { return inside_ == 0; });
  }

 private:
  void Leave() {
    const std::lock_guard lock(mutex_);
    if (--inside_ == 0) empty_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable empty_;
  bool closed_ = false;      // guarded by mutex_
  std::int64_t inside_ = 0;  // guarded by mutex_
};

}  // namespace maskd

#endif  // MASKD_SERVER_CALL_GATE_H_
