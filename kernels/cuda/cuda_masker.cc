#include <cuda_runtime_api.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/cuda/chunked_masking.h"
#include "kernels/cuda/cuda_status.h"
#include "kernels/cuda/lane_pool.h"
#include "kernels/cuda/open_device.h"
#include "kernels/mask_then_gather.h"
#include "kernels/masker.h"
#include "kernels/status_macros.h"
#include "kernels/token_gatherer.h"

namespace maskd {
namespace {

// Maskings under way at a time: copies in, kernels and copies out of different
// ones overlap, and more would only share the bus and hold memory.
constexpr int kMaxLanes = 4;

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

  std::vector<DeviceMemoryUse> memory() const override {
    std::size_t free = 0;
    std::size_t total = 0;
    if (*failed_ || cudaSetDevice(ordinal_) != cudaSuccess || cudaMemGetInfo(&free, &total) != cudaSuccess) {
      cudaGetLastError();
      return {};
    }
    return {{.id = absl::StrCat("cuda:", ordinal_),
             .total_bytes = static_cast<std::int64_t>(total),
             .free_bytes = static_cast<std::int64_t>(free)}};
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

}  // namespace

absl::StatusOr<std::unique_ptr<Masker>> MakeCudaMasker(int ordinal, const CudaOptions& options) {
  MASKD_ASSIGN_OR_RETURN(std::string device_name, OpenCudaDevice(ordinal));
  return std::make_unique<CudaMasker>(ordinal, std::move(device_name), options);
}

}  // namespace maskd
