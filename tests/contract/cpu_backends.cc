#include "tests/contract/backends.h"

namespace maskd {

std::vector<Backend> BackendsUnderTest() {
  using Made = absl::StatusOr<std::unique_ptr<Masker>>;
  return {{"Reference", []() -> Made { return MakeReferenceMasker(); }},
          {"Cpu1Thread", []() -> Made { return MakeCpuMasker(1); }},
          {"Cpu3Threads", []() -> Made { return MakeCpuMasker(3); }}};
}

bool BackendsAreRequired() { return true; }

}  // namespace maskd
