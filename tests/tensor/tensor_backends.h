// The backends of tensor operations, and the fixture of tests of each.
#ifndef MASKD_TESTS_TENSOR_TENSOR_BACKENDS_H_
#define MASKD_TESTS_TENSOR_TENSOR_BACKENDS_H_

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/tensor_ops.h"
#include "tests/contract/make_or_skip.h"

namespace maskd {

struct TensorBackend {
  std::string name;  // in the names of tests
  absl::StatusOr<std::unique_ptr<TensorOps>> (*make)();

  friend std::ostream& operator<<(std::ostream& out, const TensorBackend& backend) {
    return out << backend.name;
  }
};

// One definition a binary: cpu_tensor_backends.cc, cuda_tensor_backends.cc.
std::vector<TensorBackend> TensorBackends();

class TensorBackendTest : public ::testing::TestWithParam<TensorBackend> {
 protected:
  void SetUp() override { ops_ = MakeOrSkip(GetParam()); }

  std::unique_ptr<TensorOps> ops_;
};

inline std::string TensorBackendName(const ::testing::TestParamInfo<TensorBackend>& info) {
  return info.param.name;
}

}  // namespace maskd

#endif  // MASKD_TESTS_TENSOR_TENSOR_BACKENDS_H_
