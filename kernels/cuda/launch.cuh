// Kernel launches.
#ifndef MASKD_KERNELS_CUDA_LAUNCH_CUH_
#define MASKD_KERNELS_CUDA_LAUNCH_CUH_

#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

namespace maskd {

struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;  // dynamic, at most 48 KB
  // Starts while the kernel before it on the stream ends (programmatic dependent
  // launch): the kernel calls WaitForKernelBefore first, and CanStartEarly holds.
  bool starts_early = false;
};

// On the device, where the architecture has programmatic dependent launch; else
// nothing. LetNextKernelStart lets a kernel that starts early begin once all
// blocks of this one have called it or ended; WaitForKernelBefore returns when
// the kernel before has ended and what it wrote can be read.
__device__ inline void LetNextKernelStart() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  cudaTriggerProgrammaticLaunchCompletion();
#endif
}
__device__ inline void WaitForKernelBefore() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
#endif
}

// Whether `kernel` may start early on the current device: machine code or PTX of
// an older architecture does not wait.
template <typename... Params>
cudaError_t CanStartEarly(void (*kernel)(Params...), bool* can) {
  cudaFuncAttributes attributes;
  const cudaError_t error = cudaFuncGetAttributes(&attributes, kernel);
  *can = error == cudaSuccess && attributes.ptxVersion >= 90;
  return error;
}

// Enqueues kernel(args...) on `stream`; does not synchronize.
//
// Returns the error of this launch alone, which `<<<>>>` with cudaGetLastError
// does not: that reports whatever went wrong last.
template <typename... Params, typename... Args>
cudaError_t Launch(const LaunchShape& shape, cudaStream_t stream, void (*kernel)(Params...), Args&&... args) {
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream;
  cudaLaunchAttribute start = {};
  start.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  start.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &start;
  config.numAttrs = shape.starts_early ? 1 : 0;
  return cudaLaunchKernelEx(&config, kernel, std::forward<Args>(args)...);
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_LAUNCH_CUH_
