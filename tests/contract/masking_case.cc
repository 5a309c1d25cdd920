#include "tests/contract/masking_case.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <limits>

namespace maskd {
namespace {

std::vector<std::byte> NoiseOf(const MaskingCase& masking_case) {
  if (masking_case.noise_bits == nullptr) return {};
  const std::int64_t elements = masking_case.spec.batch_size * masking_case.spec.sequence_length;
  std::vector<std::byte> noise(static_cast<std::size_t>(elements) * 4);
  for (std::int64_t element = 0; element < elements; ++element) {
    const std::uint32_t bits = masking_case.noise_bits(element);
    std::memcpy(&noise[static_cast<std::size_t>(element) * 4], &bits, 4);
  }
  return noise;
}

MaskingSpec SpecOf(const MaskingCase& masking_case, const std::vector<std::uint64_t>& sample_ids,
                   const std::vector<std::byte>& noise) {
  MaskingSpec spec = masking_case.spec;
  if (!sample_ids.empty()) spec.sample_ids = sample_ids;
  spec.provided_noise = noise;
  return spec;
}

MaskingPlan PlanOrDie(const MaskingCase& masking_case, const MaskingSpec& spec) {
  const absl::StatusOr<MaskingPlan> plan = MakeMaskingPlan(spec);
  if (!plan.ok()) {
    std::cerr << "case " << masking_case.name << " has no plan: " << plan.status() << std::endl;
    std::abort();
  }
  return *plan;
}

std::vector<std::byte> TokensOf(const MaskingPlan& plan) {
  std::vector<std::byte> tokens(static_cast<std::size_t>(plan.tokens_bytes));
  for (std::size_t i = 0; i < tokens.size(); i += 8) {
    const std::uint64_t bits = MixBits(i + 1);
    std::memcpy(&tokens[i], &bits, std::min<std::size_t>(8, tokens.size() - i));
  }
  return tokens;
}

}  // namespace

PreparedCase::PreparedCase(const MaskingCase& masking_case)
    : sample_ids_(masking_case.sample_ids),
      noise_(NoiseOf(masking_case)),
      spec_(SpecOf(masking_case, sample_ids_, noise_)),
      plan_(PlanOrDie(masking_case, spec_)),
      tokens_(TokensOf(plan_)) {}

std::uint64_t MixBits(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

std::vector<MaskingCase> InGoodTime(std::vector<MaskingCase> cases) {
#ifdef __SANITIZE_THREAD__
  constexpr std::int64_t kLongest = 250'000;
#else
  constexpr std::int64_t kLongest = std::numeric_limits<std::int64_t>::max();
#endif
  std::erase_if(cases, [](const MaskingCase& masking_case) {
    return masking_case.spec.batch_size * masking_case.spec.sequence_length > kLongest;
  });
  return cases;
}

std::vector<MaskingCase> AllCases() {
  std::vector<MaskingCase> all;
  for (const auto& cases :
       {LengthCases(), TokenBytesCases(), ResultTypeCases(), NoiseCases(), IdentityCases(), ModelCases()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

}  // namespace maskd
