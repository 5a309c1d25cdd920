// Streams and memory for calls under way, kept from one to the next.
#ifndef MASKD_KERNELS_CUDA_LANE_POOL_H_
#define MASKD_KERNELS_CUDA_LANE_POOL_H_

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/cuda/cuda_handles.h"

namespace maskd {

// What one call needs of the device. Its streams are idle whenever the lane is in
// the pool. Not thread-safe.
struct Lane {
  struct Slot {
    CudaStream stream;     // made by the first call that needs it
    DeviceBuffer arrays;   // operands and results of a chunk, or of a tensor operation
    DeviceBuffer scratch;  // of LaunchOrderTokens
    PinnedBuffer draws;    // noise drawn on the host

    // Makes the stream unless it is there.
    cudaError_t ReserveStream() { return stream == nullptr ? MakeCudaStream(&stream) : cudaSuccess; }
  };
  std::array<Slot, 2> slots;  // chunks in turn, so that copies and kernels overlap

  void ReleaseBuffers();
};

// Lanes for calls that overlap, at most `max_lanes`. Thread-safe.
class LanePool {
 public:
  explicit LanePool(int max_lanes) : lanes_left_(max_lanes) {}

  // A lane on loan, returned at the end of its scope.
  class Lease {
   public:
    // Takes the lane used last, or a new one; waits if all are on loan.
    explicit Lease(LanePool* pool) : pool_(pool), lane_(pool->Take()) {}
    ~Lease() { pool_->Return(std::move(lane_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    Lane& operator*() const { return *lane_; }

   private:
    LanePool* pool_;
    std::unique_ptr<Lane> lane_;
  };

  // Releases the memory of lanes that are not on loan.
  void ReleaseIdleBuffers();

  // For a device that has failed: leaves what the lanes have to the end of the
  // process, as freeing it takes calls to a device that may not answer.
  void Abandon();

 private:
  std::unique_ptr<Lane> Take();
  void Return(std::unique_ptr<Lane> lane);

  std::mutex mutex_;
  std::condition_variable lane_returned_;
  std::vector<std::unique_ptr<Lane>> idle_;  // guarded by mutex_
  int lanes_left_;                           // to be made; guarded by mutex_
  bool abandoned_ = false;                   // guarded by mutex_
};

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_LANE_POOL_H_
