#include "tests/contract/masked_results.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/contract/guarded_bytes.h"

namespace maskd {

MaskedResults MaskOrFail(Masker& masker, const MaskingPlan& plan, std::span<const std::byte> tokens,
                         std::int64_t misalignment) {
  MaskingBuffers buffers{.tokens = tokens.data()};
  std::vector<GuardedBytes> memory;
  for (const ResultField& field : kResultFields) {
    memory.emplace_back(plan.result_bytes.*field.size, misalignment);
    if (plan.selection.*field.selected) buffers.*field.buffer = memory.back().data();
  }
  const absl::Status status = masker.Mask(plan, buffers);
  EXPECT_TRUE(status.ok()) << status;
  MaskedResults results;
  for (std::size_t i = 0; i < kResultFields.size(); ++i) {
    memory[i].ExpectGuardsIntact(kResultFields[i].name);
    results.*kResultFields[i].bytes = memory[i].Copy();
  }
  return results;
}

void ExpectSameResults(const MaskedResults& actual, const MaskedResults& expected) {
  for (const ResultField& field : kResultFields) {
    const auto& left = actual.*field.bytes;
    const auto& right = expected.*field.bytes;
    ASSERT_EQ(left.size(), right.size()) << "bytes of " << field.name;
    const auto offset = std::mismatch(left.begin(), left.end(), right.begin()).first - left.begin();
    if (offset == static_cast<std::ptrdiff_t>(left.size())) continue;
    const auto at = static_cast<std::size_t>(offset);
    FAIL() << field.name << " [" << left.size() << " bytes] differs at offset " << offset << ": is "
           << std::to_integer<int>(left[at]) << ", expected " << std::to_integer<int>(right[at]);
  }
}

MaskedResults ResultsOfSequence(const MaskedResults& results, const MaskingPlan& plan, std::int64_t n) {
  MaskedResults of_sequence;
  for (const ResultField& field : kResultFields) {
    const auto& bytes = results.*field.bytes;
    const auto row_bytes = static_cast<std::ptrdiff_t>(bytes.size()) / plan.batch_size;
    const auto row = bytes.begin() + n * row_bytes;
    (of_sequence.*field.bytes).assign(row, row + row_bytes);
  }
  return of_sequence;
}

}  // namespace maskd
