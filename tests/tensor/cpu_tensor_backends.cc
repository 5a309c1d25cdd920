#include "tests/tensor/tensor_backends.h"

namespace maskd {

std::vector<TensorBackend> TensorBackends() {
  using Made = absl::StatusOr<std::unique_ptr<TensorOps>>;
  return {{"Reference", []() -> Made { return MakeReferenceTensorOps(); }},
          {"Cpu1Thread", []() -> Made { return MakeCpuTensorOps(1); }},
          {"Cpu3Threads", []() -> Made { return MakeCpuTensorOps(3); }}};
}

}  // namespace maskd
