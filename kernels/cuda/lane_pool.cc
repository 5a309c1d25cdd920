#include "kernels/cuda/lane_pool.h"

namespace maskd {

void Lane::ReleaseBuffers() {
  for (Slot& slot : slots) {
    slot.arrays.Release();
    slot.scratch.Release();
    slot.draws.Release();
  }
}

void LanePool::ReleaseIdleBuffers() {
  const std::lock_guard lock(mutex_);
  for (const std::unique_ptr<Lane>& lane : idle_) lane->ReleaseBuffers();
}

void LanePool::Abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  for (std::unique_ptr<Lane>& lane : idle_) {
    static_cast<void>(lane.release());
    ++lanes_left_;
  }
  idle_.clear();
}

std::unique_ptr<Lane> LanePool::Take() {
  std::unique_lock lock(mutex_);
  lane_returned_.wait(lock, [this] { return !idle_.empty() || lanes_left_ > 0; });
  if (!idle_.empty()) {
    std::unique_ptr<Lane> lane = std::move(idle_.back());
    idle_.pop_back();
    return lane;
  }
  --lanes_left_;
  return std::make_unique<Lane>();
}

void LanePool::Return(std::unique_ptr<Lane> lane) {
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_) {
      static_cast<void>(lane.release());
      ++lanes_left_;
    } else {
      idle_.push_back(std::move(lane));
    }
  }
  lane_returned_.notify_one();
}

}  // namespace maskd
