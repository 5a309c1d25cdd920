// A masking to do, as a value with a name, and the memory its plan refers to.
#ifndef MASKD_TESTS_CONTRACT_MASKING_CASE_H_
#define MASKD_TESTS_CONTRACT_MASKING_CASE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/masking_plan.h"
#include "kernels/masking_spec.h"

namespace maskd {

struct MaskingCase {
  std::string name;
  MaskingSpec spec;                       // its spans are set by PreparedCase
  std::vector<std::uint64_t> sample_ids;  // empty: counted up from spec.first_sample_id
  // Bits of each element of the provided noise, for kProvided.
  std::function<std::uint32_t(std::int64_t element)> noise_bits = nullptr;

  friend std::ostream& operator<<(std::ostream& out, const MaskingCase& c) { return out << c.name; }
};

// Owns what the plan of a case points to.
class PreparedCase {
 public:
  // Aborts if the case has no plan: cases are right by construction.
  explicit PreparedCase(const MaskingCase& masking_case);

  PreparedCase(const PreparedCase&) = delete;
  PreparedCase& operator=(const PreparedCase&) = delete;

  const MaskingSpec& spec() const { return spec_; }
  const MaskingPlan& plan() const { return plan_; }
  // [N, L, token_bytes]; bytes that look random, other ones for every token.
  const std::vector<std::byte>& tokens() const { return tokens_; }

 private:
  const std::vector<std::uint64_t> sample_ids_;
  const std::vector<std::byte> noise_;
  const MaskingSpec spec_;  // with its spans
  const MaskingPlan plan_;
  const std::vector<std::byte> tokens_;
};

// Every result.
inline constexpr ResultSelection kAllResults = {.kept_tokens = true,
                                                .mask = true,
                                                .ids_restore = true,
                                                .ids_keep = true,
                                                .ids_mask = true,
                                                .noise = true};

// 64 bits that look random, a function of `value` (the finaliser of
// splitmix64).
std::uint64_t MixBits(std::uint64_t value);

// Seeded, with every result, of N = 5 sequences of L = 50 float32 pairs.
MaskingSpec SmallSpec();

// `cases` without those that take ThreadSanitizer minutes, if it is there: nothing
// passes among the threads of a long sequence that does not for shorter ones.
std::vector<MaskingCase> InGoodTime(std::vector<MaskingCase> cases);

// The cases of the contract, by concept.
std::vector<MaskingCase> LengthCases();      // L x K
std::vector<MaskingCase> TokenBytesCases();  // odd and even, small and large
std::vector<MaskingCase> ResultTypeCases();  // ids, masks, polarity, kept order
std::vector<MaskingCase> NoiseCases();       // provided noise of every kind, torch
std::vector<MaskingCase> IdentityCases();    // sample ids, seed, epoch, mask index
std::vector<MaskingCase> ModelCases();       // shapes of published models
std::vector<MaskingCase> AllCases();

}  // namespace maskd

#endif  // MASKD_TESTS_CONTRACT_MASKING_CASE_H_
