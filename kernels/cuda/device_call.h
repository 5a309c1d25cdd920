// One call on a device: its arrays, their copies, its lane.
#ifndef MASKD_KERNELS_CUDA_DEVICE_CALL_H_
#define MASKD_KERNELS_CUDA_DEVICE_CALL_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "kernels/cuda/lane_pool.h"

namespace maskd {

// An array of a DeviceCall, by its place.
struct DeviceArray {
  std::size_t offset;
  std::int64_t bytes;
};

// What one call does: Add its arrays, Reserve them, enqueue copies and kernels. Not
// thread-safe.
class DeviceCall {
 public:
  explicit DeviceCall(Lane* lane) : slot_(lane->slots[0]) {}

  // An array of `bytes` >= 0, aligned to 256.
  DeviceArray Add(std::int64_t bytes);

  // The stream, and memory for what was added. RESOURCE_EXHAUSTED if there is none.
  absl::Status Reserve();

  cudaStream_t stream() const { return slot_.stream.get(); }

  template <typename Element = std::byte>
  Element* At(DeviceArray array) const {
    return reinterpret_cast<Element*>(slot_.arrays.data() + array.offset);
  }

  // Each enqueues a copy of a whole array; host memory has to stay until the stream
  // is synchronized.
  absl::Status CopyIn(DeviceArray array, const void* host);
  absl::Status CopyOut(DeviceArray array, void* host);

  // Waits for all that was enqueued; returns the error of any of it.
  absl::Status Synchronize();

 private:
  Lane::Slot& slot_;
  std::size_t total_bytes_ = 0;
};

// Makes calls on a device, a few at a time. Thread-safe.
class DeviceCaller {
 public:
  explicit DeviceCaller(int ordinal);

  // Calls work(call) with the device current, and synchronizes, also after an error.
  // What the work copies to or from has to outlive Run.
  //
  // Returns the error of `work` or of what it enqueued. After RESOURCE_EXHAUSTED the
  // memory that is kept for calls is released.
  absl::Status Run(const std::function<absl::Status(DeviceCall& call)>& work);

 private:
  const int ordinal_;
  LanePool lanes_;
};

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_DEVICE_CALL_H_
