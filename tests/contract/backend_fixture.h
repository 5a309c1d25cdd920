// The fixtures of the contract suite.
#ifndef MASKD_TESTS_CONTRACT_BACKEND_FIXTURE_H_
#define MASKD_TESTS_CONTRACT_BACKEND_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>

#include "tests/contract/backends.h"
#include "tests/contract/make_or_skip.h"
#include "tests/contract/masking_case.h"

namespace maskd {

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
