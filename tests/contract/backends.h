// The backends that a binary of the contract suite tests.
#ifndef MASKD_TESTS_CONTRACT_BACKENDS_H_
#define MASKD_TESTS_CONTRACT_BACKENDS_H_

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/masker.h"

namespace maskd {

struct Backend {
  std::string name;  // in the names of tests
  absl::StatusOr<std::unique_ptr<Masker>> (*make)();

  friend std::ostream& operator<<(std::ostream& out, const Backend& backend) { return out << backend.name; }
};

// One definition a binary: cpu_backends.cc, cuda_backends.cc.
std::vector<Backend> BackendsUnderTest();

// Those of them that are not the reference itself, which the others are compared
// with; invariants_test.cc compares it with the specification.
inline std::vector<Backend> BackendsBesideReference() {
  std::vector<Backend> backends = BackendsUnderTest();
  std::erase_if(backends, [](const Backend& backend) { return backend.name == "Reference"; });
  return backends;
}

// Whether a backend that cannot be made fails a test instead of skipping it:
// MASKD_REQUIRE_GPU=1 in the environment.
bool BackendsAreRequired();

}  // namespace maskd

#endif  // MASKD_TESTS_CONTRACT_BACKENDS_H_
