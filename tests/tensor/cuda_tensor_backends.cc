#include "tests/tensor/tensor_backends.h"

namespace maskd {

std::vector<TensorBackend> TensorBackends() {
  return {{"Cuda", [] { return MakeCudaTensorOps(0); }}};
}

}  // namespace maskd
