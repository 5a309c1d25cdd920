// Takes the place of kernels/cuda in a build without CUDA.
#include <memory>

#include "absl/status/status.h"
#include "kernels/masker.h"
#include "kernels/tensor_ops.h"

namespace maskd {
namespace {

absl::Status BuiltWithoutCuda() {
  return absl::UnavailableError(
      "this maskd was built without CUDA; to build with it, have nvcc on the PATH and configure with "
      "-DMASKD_CUDA=ON");
}

}  // namespace

absl::StatusOr<int> CountCudaDevices() { return BuiltWithoutCuda(); }

absl::StatusOr<std::unique_ptr<Masker>> MakeCudaMasker(int /*ordinal*/, const CudaOptions& /*options*/) {
  return BuiltWithoutCuda();
}

absl::StatusOr<std::unique_ptr<TensorOps>> MakeCudaTensorOps(int /*ordinal*/) { return BuiltWithoutCuda(); }

}  // namespace maskd
