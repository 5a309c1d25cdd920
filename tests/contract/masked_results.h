// What a masker wrote, and the calls that get it.
#ifndef MASKD_TESTS_CONTRACT_MASKED_RESULTS_H_
#define MASKD_TESTS_CONTRACT_MASKED_RESULTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/masker.h"
#include "kernels/masking_plan.h"

namespace maskd {

// Row-major, as MaskingBuffers; empty where not selected.
struct MaskedResults {
  std::vector<std::byte> kept_tokens;
  std::vector<std::byte> mask;
  std::vector<std::byte> ids_restore;
  std::vector<std::byte> ids_keep;
  std::vector<std::byte> ids_mask;
  std::vector<std::byte> noise;

  friend bool operator==(const MaskedResults&, const MaskedResults&) = default;
};

// One result: what it is called, and where its parts are.
struct ResultField {
  std::string_view name;
  bool ResultSelection::*selected;
  std::int64_t ResultBytes::*size;
  std::byte* MaskingBuffers::*buffer;
  std::vector<std::byte> MaskedResults::*bytes;
};
inline constexpr std::array kResultFields = {
    ResultField{"kept_tokens", &ResultSelection::kept_tokens, &ResultBytes::kept_tokens,
                &MaskingBuffers::kept_tokens, &MaskedResults::kept_tokens},
    ResultField{"mask", &ResultSelection::mask, &ResultBytes::mask, &MaskingBuffers::mask,
                &MaskedResults::mask},
    ResultField{"ids_restore", &ResultSelection::ids_restore, &ResultBytes::ids_restore,
                &MaskingBuffers::ids_restore, &MaskedResults::ids_restore},
    ResultField{"ids_keep", &ResultSelection::ids_keep, &ResultBytes::ids_keep, &MaskingBuffers::ids_keep,
                &MaskedResults::ids_keep},
    ResultField{"ids_mask", &ResultSelection::ids_mask, &ResultBytes::ids_mask, &MaskingBuffers::ids_mask,
                &MaskedResults::ids_mask},
    ResultField{"noise", &ResultSelection::noise, &ResultBytes::noise, &MaskingBuffers::noise,
                &MaskedResults::noise},
};

// Masks into guarded memory; fails the test if the call fails or writes beside
// a result. Results lie `misalignment` (0 to 63) past multiples of 64.
MaskedResults MaskOrFail(Masker& masker, const MaskingPlan& plan, std::span<const std::byte> tokens,
                         std::int64_t misalignment = 0);

// Fails the test at the first byte that differs, naming result and offset.
void ExpectSameResults(const MaskedResults& actual, const MaskedResults& expected);

// The part of sequence n.
MaskedResults ResultsOfSequence(const MaskedResults& results, const MaskingPlan& plan, std::int64_t n);

}  // namespace maskd

#endif  // MASKD_TESTS_CONTRACT_MASKED_RESULTS_H_
