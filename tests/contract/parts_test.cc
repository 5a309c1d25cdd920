// A batch cut into parts, with noise of every source, is masked as the whole is.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "kernels/masking_parts.h"
#include "tests/contract/backend_fixture.h"
#include "tests/contract/masked_results.h"
#include "tests/contract/masking_case.h"

namespace maskd {
namespace {

using ::testing::ValuesIn;

void Append(const MaskedResults& part, MaskedResults& whole) {
  for (const ResultField& field : kResultFields) {
    std::vector<std::byte>& bytes = whole.*field.bytes;
    bytes.insert(bytes.end(), (part.*field.bytes).begin(), (part.*field.bytes).end());
  }
}

std::vector<MaskingCase> CutCases() {
  std::vector<MaskingCase> cases = NoiseCases();
  for (const MaskingCase& identity : IdentityCases()) cases.push_back(identity);
  std::erase_if(cases, [](const MaskingCase& c) { return c.spec.sequence_length > 70000; });
  return cases;
}

using PartsTest = BackendTest;

TEST_P(PartsTest, OfAnySizesAreTheWhole) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("random seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const MaskingCase& masking_case : CutCases()) {
    SCOPED_TRACE(masking_case.name);
    const PreparedCase prepared(masking_case);
    const MaskingSpec& spec = prepared.spec();
    const std::size_t sample_bytes = prepared.tokens().size() / static_cast<std::size_t>(spec.batch_size);
    PartCutter cutter(spec);
    MaskedResults whole;
    for (std::int64_t first = 0; first < spec.batch_size;) {
      const std::int64_t count =
          std::min(spec.batch_size - first, 1 + static_cast<std::int64_t>(random() % 4));
      const std::optional<MaskingSpec> part = cutter.Next(count, [] { return false; });
      ASSERT_TRUE(part.has_value());
      const absl::StatusOr<MaskingPlan> plan = MakeMaskingPlan(*part);
      ASSERT_TRUE(plan.ok()) << plan.status();
      const auto tokens = std::span(prepared.tokens())
                              .subspan(static_cast<std::size_t>(first) * sample_bytes,
                                       static_cast<std::size_t>(count) * sample_bytes);
      Append(MaskOrFail(*masker_, *plan, tokens), whole);
      first += count;
    }
    ExpectSameResults(whole, MaskOrFail(*masker_, prepared.plan(), prepared.tokens()));
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, PartsTest, ValuesIn(BackendsUnderTest()), BackendName);

}  // namespace
}  // namespace maskd
