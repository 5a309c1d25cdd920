#include <cstdlib>
#include <string_view>

#include "tests/contract/backends.h"

namespace maskd {

std::vector<Backend> BackendsUnderTest() {
  return {{"Cuda", [] { return MakeCudaMasker(0); }}};
}

bool BackendsAreRequired() {
  const char* const value = std::getenv("MASKD_REQUIRE_GPU");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace maskd
