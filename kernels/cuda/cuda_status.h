// CUDA errors as absl::Status.
#ifndef MASKD_KERNELS_CUDA_CUDA_STATUS_H_
#define MASKD_KERNELS_CUDA_CUDA_STATUS_H_

#include <cuda_runtime_api.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace maskd {

// OK; RESOURCE_EXHAUSTED if memory ran out; INTERNAL if the current device has
// failed, which every later call to it reports too; and UNKNOWN if it refused this
// call alone. Which of the last two it is the device is asked: this waits for its
// work. Clears the error of this thread, for later calls not to report it.
absl::Status StatusOfCuda(absl::string_view call, cudaError_t error);

}  // namespace maskd

// Returns the status of the CUDA call `expression`, named `call`, if it failed.
#define MASKD_RETURN_IF_CUDA_ERROR(call, expression)                            \
  if (const cudaError_t cuda_error = (expression); cuda_error != cudaSuccess) { \
    return ::maskd::StatusOfCuda(call, cuda_error);                             \
  }                                                                             \
  static_assert(true, "takes the semicolon")

#endif  // MASKD_KERNELS_CUDA_CUDA_STATUS_H_
