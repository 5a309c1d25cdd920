#include "kernels/cuda/lane_pool.h"

namespace maskd {

void Lane::ReleaseBuffers() {
  arrays.Release();
  scratch.Release();
  draws.Release();
}

void LanePool::ReleaseIdleBuffers() {
  const std::lock_guard lock(mutex_);
  for (const std::unique_ptr<Lane>& lane : idle_) lane->ReleaseBuffers();
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
    idle_.push_back(std::move(lane));
  }
  lane_returned_.notify_one();
}

}  // namespace maskd
