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
};

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
  return cudaLaunchKernelEx(&config, kernel, std::forward<Args>(args)...);
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_LAUNCH_CUH_
