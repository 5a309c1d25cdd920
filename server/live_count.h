// Counts the coroutines that are under way.
#ifndef MASKD_SERVER_LIVE_COUNT_H_
#define MASKD_SERVER_LIVE_COUNT_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>

namespace maskd {

// Thread-safe. Outlives its tickets.
class LiveCount {
 public:
  // Held by a coroutine.
  class Ticket {
   public:
    explicit Ticket(LiveCount& count) : count_(&count) { count_->Add(1); }
    Ticket(Ticket&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (count_ != nullptr) count_->Add(-1);
    }

   private:
    LiveCount* count_;
  };

  void WaitUntilNone() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return live_ == 0; });
  }

 private:
  void Add(int change) {
    const std::lock_guard lock(mutex_);
    live_ += change;
    if (live_ == 0) none_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable none_;
  std::int64_t live_ = 0;  // guarded by mutex_
};

}  // namespace maskd

#endif  // MASKD_SERVER_LIVE_COUNT_H_
