#include "client/queue_timer.h"

#include <grpc/support/time.h>

#include <utility>

namespace maskd {

QueueTimer::~QueueTimer() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void QueueTimer::Set(Time due) {
  bool too_late = false;
  {
    const std::lock_guard lock(mutex_);
    due_ = due;
    // Waking the thread costs more than a call: not for what it will see by itself.
    too_late = due < wakes_at_ && !ringing_;
    if (too_late) wakes_at_ = due;
  }
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { Run(); });
  } else if (too_late) {
    wake_.notify_one();
  }
}

void QueueTimer::Rang() {
  const std::lock_guard lock(mutex_);
  ringing_ = false;
}

void QueueTimer::Run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (ringing_ || due_ == Time::max()) {
      wakes_at_ = Time::max();
      wake_.wait(lock);
    } else if (std::chrono::steady_clock::now() < due_) {
      wakes_at_ = due_;
      wake_.wait_until(lock, wakes_at_);
    } else {
      ringing_ = true;
      due_ = Time::max();
      lock.unlock();
      // A time to come would be rounded up.
      alarm_.Set(&queue_, gpr_inf_past(GPR_CLOCK_MONOTONIC), tag());
      lock.lock();
    }
  }
}

}  // namespace maskd
