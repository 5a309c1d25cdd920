// The backends of tensor operations, and the fixture of tests of each.
#ifndef MASKD_TESTS_TENSOR_TENSOR_BACKENDS_H_
#define MASKD_TESTS_TENSOR_TENSOR_BACKENDS_H_

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/tensor_ops.h"

namespace maskd {

struct TensorBackend {
  std::string name;  // in the names of tests
  std::unique_ptr<TensorOps> (*make)();

  friend std::ostream& operator<<(std::ostream& out, const TensorBackend& backend) {
    return out << backend.name;
  }
};

inline std::vector<TensorBackend> TensorBackends() {
  return {{"Reference", [] { return MakeReferenceTensorOps(); }},
          {"Cpu1Thread", [] { return MakeCpuTensorOps(1); }},
          {"Cpu3Threads", [] { return MakeCpuTensorOps(3); }}};
}

class TensorBackendTest : public ::testing::TestWithParam<TensorBackend> {
 protected:
  const std::unique_ptr<TensorOps> ops_ = GetParam().make();
};

inline std::string TensorBackendName(const ::testing::TestParamInfo<TensorBackend>& info) {
  return info.param.name;
}

}  // namespace maskd

#endif  // MASKD_TESTS_TENSOR_TENSOR_BACKENDS_H_
