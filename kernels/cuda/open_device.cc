#include "kernels/cuda/open_device.h"

#include <cuda_runtime_api.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/cuda/order_tokens.h"
#include "kernels/masker.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

constexpr int kMinComputeCapability = 75;  // Turing

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

absl::StatusOr<std::string> OpenCudaDevice(int ordinal) {
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
  return std::string(properties.name);
}

}  // namespace maskd
