// Making a backend for a test.
#ifndef MASKD_TESTS_CONTRACT_MAKE_OR_SKIP_H_
#define MASKD_TESTS_CONTRACT_MAKE_OR_SKIP_H_

#include <gtest/gtest.h>

#include <utility>

#include "tests/contract/backends.h"

namespace maskd {

// What `backend`, of a name and a function `make`, makes; or null, after a failure if
// backends are required and else a skip.
template <typename NamedBackend>
auto MakeOrSkip(const NamedBackend& backend) -> typename decltype(backend.make())::value_type {
  auto made = backend.make();
  if (made.ok()) return *std::move(made);
  const auto fail_or_skip = [&] {
    if (BackendsAreRequired()) FAIL() << backend.name << " is required: " << made.status();
    GTEST_SKIP() << backend.name << " cannot run here: " << made.status();
  };
  fail_or_skip();
  return nullptr;
}

}  // namespace maskd

#endif  // MASKD_TESTS_CONTRACT_MAKE_OR_SKIP_H_
