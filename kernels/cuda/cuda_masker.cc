#include <cuda_runtime_api.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "kernels/cuda/chunked_masking.h"
#include "kernels/cuda/cuda_status.h"
#include "kernels/cuda/lane_pool.h"
#include "kernels/cuda/order_tokens.h"
#include "kernels/mask_then_gather.h"
#include "kernels/masker.h"
#include "kernels/status_macros.h"
#include "kernels/token_gatherer.h"

namespace maskd {
namespace {

// Maskings under way at a time: copies in, kernels and copies out of different
// ones overlap, and more would only share the bus and hold memory.
constexpr int kMaxLanes = 4;

constexpr int kMinComputeCapability = 75;  // Turing

class CudaMasker final : public Masker {
 public:
  CudaMasker(int ordinal, std::string device_name, const CudaOptions& options)
      : ordinal_(ordinal),
        device_name_(std::move(device_name)),
        read_in_place_(options.gather_way == GatherWay::kKeptRows),
        lanes_(kMaxLanes) {
    if (options.gather_way == GatherWay::kHost) host_gatherer_.emplace(options.host_threads);
  }

  using Masker::Mask;

  absl::Status Mask(const MaskingPlan& plan, const MaskingBuffers& buffers,
                    const IsCancelled& is_cancelled) override {
    if (!host_gatherer_.has_value()) return MaskOnDevice(plan, buffers, is_cancelled);
    return MaskThenGather(plan, buffers, is_cancelled, *host_gatherer_,
                          [&](const MaskingPlan& order, const MaskingBuffers& results) {
                            return MaskOnDevice(order, results, is_cancelled);
                          });
  }

  std::string backend() const override { return "cuda"; }
  std::string device_name() const override { return device_name_; }

  HostBlock AllocateTokenMemory(std::size_t bytes) override {
    void* data = nullptr;
    if (*failed_ || cudaSetDevice(ordinal_) != cudaSuccess ||
        cudaHostAlloc(&data, bytes, cudaHostAllocPortable | cudaHostAllocMapped) != cudaSuccess) {
      cudaGetLastError();
      return AllocateHostBlock(bytes);
    }
    const auto free = [failed = failed_, ordinal = ordinal_](void* pinned) {
      // As LanePool::Abandon.
      if (!*failed && cudaSetDevice(ordinal) == cudaSuccess) cudaFreeHost(pinned);
    };
    return {.bytes = {static_cast<std::byte*>(data), bytes}, .owner = std::shared_ptr<void>(data, free)};
  }

  std::vector<DeviceState> devices() const override {
    return {{.id = absl::StrCat("cuda:", ordinal_), .backend = backend(), .name = device_name_}};
  }

 private:
  absl::Status MaskOnDevice(const MaskingPlan& plan, const MaskingBuffers& buffers,
                            const IsCancelled& is_cancelled) {
    if (*failed_) return absl::InternalError("the device failed in an earlier call");
    const absl::Status status = MaskOnLane(plan, buffers, is_cancelled);
    if (absl::IsResourceExhausted(status)) {
      lanes_.ReleaseIdleBuffers();
    } else if (absl::IsInternal(status)) {
      *failed_ = true;
      lanes_.Abandon();
    }
    return status;
  }

  absl::Status MaskOnLane(const MaskingPlan& plan, const MaskingBuffers& buffers,
                          const IsCancelled& is_cancelled) {
    if (const cudaError_t error = cudaSetDevice(ordinal_); error != cudaSuccess) {
      cudaGetLastError();
      return absl::InternalError(absl::StrCat("cudaSetDevice: ", cudaGetErrorString(error)));
    }
    const LanePool::Lease lane(&lanes_);
    return MaskInChunks(plan, buffers, is_cancelled, read_in_place_, &*lane);
  }

  const int ordinal_;
  const std::string device_name_;
  const bool read_in_place_;
  std::optional<TokenGatherer> host_gatherer_;  // for GatherWay::kHost
  // Shared with the token memory, which may outlive this.
  const std::shared_ptr<std::atomic<bool>> failed_ = std::make_shared<std::atomic<bool>>(false);
  LanePool lanes_;
};

// The error of a CUDA call while looking for a device.
absl::Status Unavailable(absl::string_view what, cudaError_t error) {
  cudaGetLastError();
  return absl::UnavailableError(absl::StrCat(what, ": ", cudaGetErrorString(error)));
}

}  // namespace

absl::StatusOr<int> CountCudaDevices() {
  int num_devices = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&num_devices); error != cudaSuccess) {
    // What CUDA says of a missing driver is that it is too old.
    return Unavailable(error == cudaErrorInsufficientDriver
                           ? "there is no CUDA driver, or it is too old for this maskd"
                           : "no CUDA device can be used",
                       error);
  }
  return num_devices;
}

absl::StatusOr<std::unique_ptr<Masker>> MakeCudaMasker(int ordinal, const CudaOptions& options) {
  MASKD_ASSIGN_OR_RETURN(const int num_devices, CountCudaDevices());
  if (ordinal < 0 || ordinal >= num_devices) {
    return absl::UnavailableError(absl::StrCat("there is no CUDA device ", ordinal, "; this machine has ",
                                               num_devices, ", counted from 0"));
  }
  const std::string device = absl::StrCat("CUDA device ", ordinal);
  cudaDeviceProp properties;
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, ordinal); error != cudaSuccess) {
    return Unavailable(absl::StrCat("cannot read the properties of ", device), error);
  }
  if (properties.major * 10 + properties.minor < kMinComputeCapability) {
    return absl::FailedPreconditionError(
        absl::StrCat(device, ", ", properties.name, ", has compute capability ", properties.major, ".",
                     properties.minor, "; maskd needs 7.5 (Turing) or later"));
  }
  if (const cudaError_t error = cudaSetDevice(ordinal); error != cudaSuccess) {
    return Unavailable(absl::StrCat("cannot use ", device), error);
  }
  if (const cudaError_t error = CheckOrderTokensKernels(); error != cudaSuccess) {
    cudaGetLastError();
    return absl::FailedPreconditionError(
        absl::StrCat("this maskd has no kernels for ", device, ", ", properties.name,
                     ", of compute capability ", properties.major, ".", properties.minor, ": ",
                     cudaGetErrorString(error), "; build it with CMAKE_CUDA_ARCHITECTURES=native"));
  }
  return std::make_unique<CudaMasker>(ordinal, properties.name, options);
}

}  // namespace maskd
