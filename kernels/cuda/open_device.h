// The check of a device before the first call.
#ifndef MASKD_KERNELS_CUDA_OPEN_DEVICE_H_
#define MASKD_KERNELS_CUDA_OPEN_DEVICE_H_

#include <string>

#include "absl/status/statusor.h"

namespace maskd {

// Makes device `ordinal` the current one of this thread; returns its name.
//
// Returns UNAVAILABLE if there is no driver or no such device, and
// FAILED_PRECONDITION if it is too old or this build has no kernels for it.
absl::StatusOr<std::string> OpenCudaDevice(int ordinal);

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_OPEN_DEVICE_H_
