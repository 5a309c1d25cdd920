#include "kernels/cuda/device_call.h"

#include "kernels/cuda/cuda_status.h"

namespace maskd {
namespace {

// Calls under way at a time.
constexpr int kMaxLanes = 4;

// A lane keeps no more device memory than this from one call to the next.
constexpr std::size_t kKeptBytes = std::size_t{256} << 20;

}  // namespace

DeviceArray DeviceCall::Add(std::int64_t bytes) {
  constexpr std::size_t kAlignment = 256;
  const DeviceArray array = {.offset = total_bytes_, .bytes = bytes};
  total_bytes_ += (static_cast<std::size_t>(bytes) + kAlignment - 1) / kAlignment * kAlignment;
  return array;
}

absl::Status DeviceCall::Reserve() {
  MASKD_RETURN_IF_CUDA_ERROR("cudaStreamCreate", slot_.ReserveStream());
  MASKD_RETURN_IF_CUDA_ERROR("cudaMalloc", slot_.arrays.Reserve(total_bytes_));
  return absl::OkStatus();
}

absl::Status DeviceCall::CopyIn(DeviceArray array, const void* host) {
  if (array.bytes == 0) return absl::OkStatus();
  MASKD_RETURN_IF_CUDA_ERROR("cudaMemcpyAsync to the device",
                             cudaMemcpyAsync(At(array), host, static_cast<std::size_t>(array.bytes),
                                             cudaMemcpyHostToDevice, stream()));
  return absl::OkStatus();
}

absl::Status DeviceCall::CopyOut(DeviceArray array, void* host) {
  if (array.bytes == 0) return absl::OkStatus();
  MASKD_RETURN_IF_CUDA_ERROR("cudaMemcpyAsync to the host",
                             cudaMemcpyAsync(host, At(array), static_cast<std::size_t>(array.bytes),
                                             cudaMemcpyDeviceToHost, stream()));
  return absl::OkStatus();
}

absl::Status DeviceCall::Synchronize() {
  if (slot_.stream == nullptr) return absl::OkStatus();
  MASKD_RETURN_IF_CUDA_ERROR("cudaStreamSynchronize", cudaStreamSynchronize(stream()));
  return absl::OkStatus();
}

DeviceCaller::DeviceCaller(int ordinal) : ordinal_(ordinal), lanes_(kMaxLanes) {}

absl::Status DeviceCaller::Run(const std::function<absl::Status(DeviceCall& call)>& work) {
  MASKD_RETURN_IF_CUDA_ERROR("cudaSetDevice", cudaSetDevice(ordinal_));
  const LanePool::Lease lane(&lanes_);
  DeviceCall call(&*lane);
  absl::Status status = work(call);
  // Also on failure: copies under way still use the caller's memory.
  const absl::Status finished = call.Synchronize();
  if (status.ok()) status = finished;
  const bool out_of_memory = absl::IsResourceExhausted(status);
  if (out_of_memory || (*lane).slots[0].arrays.size() > kKeptBytes) (*lane).ReleaseBuffers();
  if (out_of_memory) lanes_.ReleaseIdleBuffers();
  if (absl::IsInternal(status)) lanes_.Abandon();
  return status;
}

}  // namespace maskd
