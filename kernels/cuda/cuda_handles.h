// Owners of what the CUDA runtime hands out.
#ifndef MASKD_KERNELS_CUDA_CUDA_HANDLES_H_
#define MASKD_KERNELS_CUDA_CUDA_HANDLES_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <utility>

namespace maskd {

struct StreamDestroyer {
  using pointer = cudaStream_t;
  void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
};
using CudaStream = std::unique_ptr<CUstream_st, StreamDestroyer>;

struct EventDestroyer {
  using pointer = cudaEvent_t;
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};
using CudaEvent = std::unique_ptr<CUevent_st, EventDestroyer>;

// A stream of the current device that does not wait for the default stream.
inline cudaError_t MakeCudaStream(CudaStream* stream) {
  cudaStream_t handle = nullptr;
  const cudaError_t error = cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking);
  if (error == cudaSuccess) stream->reset(handle);
  return error;
}

// An event of the current device that takes the time.
inline cudaError_t MakeCudaEvent(CudaEvent* event) {
  cudaEvent_t handle = nullptr;
  const cudaError_t error = cudaEventCreate(&handle);
  if (error == cudaSuccess) event->reset(handle);
  return error;
}

struct DeviceMemory {
  static cudaError_t Allocate(void** data, std::size_t size) { return cudaMalloc(data, size); }
  static void Free(void* data) { cudaFree(data); }
};

struct PinnedMemory {
  static cudaError_t Allocate(void** data, std::size_t size) { return cudaMallocHost(data, size); }
  static void Free(void* data) { cudaFreeHost(data); }
};

// Memory that grows when more is asked for, and is then kept. Aligned to at
// least 256 bytes. Not thread-safe.
template <typename Memory>
class GrowingBuffer {
 public:
  GrowingBuffer() = default;
  GrowingBuffer(GrowingBuffer&& other) noexcept
      : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}

  // Makes room for `size` bytes; what the buffer held is lost if it grows. No
  // work that uses the buffer may be under way.
  //
  // Returns the error of the allocation; the buffer is then empty.
  cudaError_t Reserve(std::size_t size) {
    if (size <= size_) return cudaSuccess;
    Release();  // first, so that old and new need not fit together
    void* data = nullptr;
    const cudaError_t error = Memory::Allocate(&data, size);
    if (error != cudaSuccess) return error;
    data_.reset(static_cast<std::byte*>(data));
    size_ = size;
    return cudaSuccess;
  }

  void Release() {
    data_.reset();
    size_ = 0;
  }

  std::byte* data() const { return data_.get(); }
  std::size_t size() const { return size_; }

 private:
  struct Deleter {
    void operator()(std::byte* data) const { Memory::Free(data); }
  };

  std::unique_ptr<std::byte, Deleter> data_;
  std::size_t size_ = 0;
};

using DeviceBuffer = GrowingBuffer<DeviceMemory>;
using PinnedBuffer = GrowingBuffer<PinnedMemory>;

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_CUDA_HANDLES_H_
