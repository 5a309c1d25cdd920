// The fixtures of the contract suite.
#ifndef MASKD_TESTS_CONTRACT_BACKEND_FIXTURE_H_
#define MASKD_TESTS_CONTRACT_BACKEND_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "tests/contract/backends.h"
#include "tests/contract/masking_case.h"

namespace maskd {

// The masker of `backend`, or null, after a failure if backends are required
// and else a skip.
inline std::unique_ptr<Masker> MakeOrSkip(const Backend& backend) {
  absl::StatusOr<std::unique_ptr<Masker>> masker = backend.make();
  if (masker.ok()) return *std::move(masker);
  const auto fail_or_skip = [&] {
    if (BackendsAreRequired()) FAIL() << backend.name << " is required: " << masker.status();
    GTEST_SKIP() << backend.name << " cannot run here: " << masker.status();
  };
  fail_or_skip();
  return nullptr;
}

// Tests of one backend.
class BackendTest : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override { masker_ = MakeOrSkip(GetParam()); }

  std::unique_ptr<Masker> masker_;
};

// Tests of one backend and one case.
class BackendCaseTest : public ::testing::TestWithParam<std::tuple<Backend, MaskingCase>> {
 protected:
  void SetUp() override { masker_ = MakeOrSkip(std::get<Backend>(GetParam())); }

  const MaskingCase& masking_case() const { return std::get<MaskingCase>(GetParam()); }

  std::unique_ptr<Masker> masker_;
};

inline std::string BackendName(const ::testing::TestParamInfo<Backend>& info) { return info.param.name; }

inline std::string BackendAndCaseName(
    const ::testing::TestParamInfo<std::tuple<Backend, MaskingCase>>& info) {
  return std::get<Backend>(info.param).name + "_" + std::get<MaskingCase>(info.param).name;
}

}  // namespace maskd

#endif  // MASKD_TESTS_CONTRACT_BACKEND_FIXTURE_H_
