// The device that tensor operations run on, and another behind it.
#ifndef MASKD_SERVER_TENSOR_DEVICES_H_
#define MASKD_SERVER_TENSOR_DEVICES_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "kernels/tensor_ops.h"

namespace maskd {

// Thread-safe.
class TensorDevices {
 public:
  // `last_resort` (null: none) takes over when `device`, which is called `id`, has
  // failed, which `on_failure` is told once.
  TensorDevices(std::string id, std::unique_ptr<TensorOps> device, std::unique_ptr<TensorOps> last_resort,
                std::function<void(const absl::Status&)> on_failure)
      : id_(std::move(id)),
        device_(std::move(device)),
        last_resort_(std::move(last_resort)),
        on_failure_(std::move(on_failure)) {}

  // For a call that begins now.
  TensorOps& current() {
    if (!failed_) return *device_;
    ++fallbacks_;
    return *last_resort_;
  }

  // The first device, such as "cpu" or "cuda:0", and whether calls go there.
  const std::string& id() const { return id_; }
  bool healthy() const { return !failed_; }

  // Calls that the last resort did.
  std::int64_t fallbacks() const { return fallbacks_; }

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
    ++fallbacks_;
    return last_resort_.get();
  }

 private:
  const std::string id_;
  const std::unique_ptr<TensorOps> device_;
  const std::unique_ptr<TensorOps> last_resort_;
  const std::function<void(const absl::Status&)> on_failure_;
  std::atomic<bool> failed_ = false;
  std::atomic<std::int64_t> fallbacks_ = 0;
};

}  // namespace maskd

#endif  // MASKD_SERVER_TENSOR_DEVICES_H_
