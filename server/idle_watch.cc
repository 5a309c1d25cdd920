#include "server/idle_watch.h"

namespace maskd {

IdleWatch::IdleWatch(std::chrono::milliseconds max_idle)
    : max_idle_(max_idle), thread_([this] { Watch(); }) {}

IdleWatch::~IdleWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void IdleWatch::Add(StreamCall* call) {
  const std::lock_guard lock(mutex_);
  calls_.insert(call);
}

void IdleWatch::Remove(StreamCall* call) {
  const std::lock_guard lock(mutex_);
  calls_.erase(call);
}

void IdleWatch::Watch() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, max_idle_ / 4, [this] { return stopping_; })) {
    std::erase_if(calls_, [this](StreamCall* call) {
      if (call->Waited() <= max_idle_) return false;
      call->context.TryCancel();
      ++cancelled_;
      return true;
    });
  }
}

}  // namespace maskd
