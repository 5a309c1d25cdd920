// Takes the place of cuda_masker.cc in a build without CUDA.
#include <memory>

#include "absl/status/status.h"
#include "kernels/masker.h"

namespace maskd {

absl::StatusOr<std::unique_ptr<Masker>> MakeCudaMasker(int) {
  return absl::UnavailableError("maskd was built without CUDA; build it with -DMASKD_CUDA=ON where nvcc is found");
}

}  // namespace maskd
