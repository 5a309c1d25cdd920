#include "kernels/cuda/cuda_status.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace maskd {

absl::Status StatusOfCuda(absl::string_view call, cudaError_t error) {
  if (error == cudaSuccess) return absl::OkStatus();
  cudaGetLastError();
  if (error == cudaErrorMemoryAllocation) {
    return absl::ResourceExhaustedError(
        absl::StrCat(call, ": out of memory; send a smaller batch, or retry later"));
  }
  const std::string message = absl::StrCat(call, ": ", cudaGetErrorString(error));
  if (cudaDeviceSynchronize() == cudaSuccess) return absl::UnknownError(message);
  cudaGetLastError();
  return absl::InternalError(message);
}

}  // namespace maskd
