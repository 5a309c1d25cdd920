// The device that tensor operations run on, and another behind it.
#ifndef MASKD_SERVER_TENSOR_DEVICES_H_
#define MASKD_SERVER_TENSOR_DEVICES_H_

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "kernels/tensor_ops.h"

namespace maskd {

// Thread-safe.
class TensorDevices {
 public:
  // `last_resort` (null: none) takes over when `device` has failed, which
  // `on_failure` is told once.
  TensorDevices(std::unique_ptr<TensorOps> device, std::unique_ptr<TensorOps> last_resort,
                std::function<void(const absl::Status&)> on_failure)
      : device_(std::move(device)),
        last_resort_(std::move(last_resort)),
        on_failure_(std::move(on_failure)) {}

  // For a call that begins now.
  TensorOps& current() const { return failed_ ? *last_resort_ : *device_; }

  // For a call that `ops` ended with `status`: what is to do its work again, or
  // null. INTERNAL is a device that has failed for good, UNKNOWN one that refuses
  // this call alone.
  TensorOps* Instead(const TensorOps& ops, const absl::Status& status) {
    if (last_resort_ == nullptr || &ops == last_resort_.get()) return nullptr;
    if (absl::IsInternal(status)) {
      if (!failed_.exchange(true) && on_failure_) on_failure_(status);
    } else if (!absl::IsUnknown(status)) {
      return nullptr;
    }
    return last_resort_.get();
  }

 private:
  const std::unique_ptr<TensorOps> device_;
  const std::unique_ptr<TensorOps> last_resort_;
  const std::function<void(const absl::Status&)> on_failure_;
  std::atomic<bool> failed_ = false;
};

}  // namespace maskd

#endif  // MASKD_SERVER_TENSOR_DEVICES_H_
