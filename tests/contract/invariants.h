// What docs/semantics.md promises about every result, checked from its words
// and not against another backend.
#ifndef MASKD_TESTS_CONTRACT_INVARIANTS_H_
#define MASKD_TESTS_CONTRACT_INVARIANTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/masking_plan.h"
#include "tests/contract/masked_results.h"

namespace maskd {

// Fails the test if `results` of `plan`, with every result selected (kept
// tokens only if tokens came), break a promise.
void ExpectInvariants(const MaskingPlan& plan, std::span<const std::byte> tokens,
                      const MaskedResults& results);

// The noise [N, L] that section 3 defines for `plan`, before a sort.
std::vector<float> NoiseBySpecification(const MaskingPlan& plan);

// Ids of `type` as numbers.
std::vector<std::int64_t> DecodeIds(std::span<const std::byte> bytes, IdsType type);

// A mask [N, L] as zeros and ones, other numbers where it has neither. Fails the
// test if padding bits are set.
std::vector<int> DecodeMask(std::span<const std::byte> bytes, const MaskingPlan& plan);

}  // namespace maskd

#endif  // MASKD_TESTS_CONTRACT_INVARIANTS_H_
