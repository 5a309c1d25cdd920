// Calls of the client into memory that notices writes beside it.
#ifndef MASKD_TESTS_END_TO_END_GUARDED_CALL_H_
#define MASKD_TESTS_END_TO_END_GUARDED_CALL_H_

#include "absl/status/status.h"
#include "client/masking_client.h"
#include "client/sharded_client.h"
#include "tests/contract/masked_results.h"
#include "tests/contract/masking_case.h"

namespace maskd {

// N = 4, L = 8, K = 2, tokens of 3 float32; every result.
inline const MaskingCase kFourSamples{.name = "FourSamples",
                                      .spec = {.batch_size = 4,
                                               .sequence_length = 8,
                                               .token_type = TokenType{.token_dim = 3, .element_bytes = 4},
                                               .mask_ratio = 0.75,
                                               .selection = kAllResults},
                                      .sample_ids = {}};

// `Client` is MaskingClient or ShardedClient.

// Calls RandomMasking (GenerateMask, if no tokens come) with the buffers of the results that were selected,
// each `misalignment` (0 to 63) past a multiple of 64. Fails the test if anything beside them is written,
// also if the call fails.
template <typename Client>
absl::Status CallIntoGuarded(Client& client, const PreparedCase& prepared, MaskedResults* results,
                             const CallLimits& limits = {}, std::int64_t misalignment = 0);

// Fails the test if the call is not answered with the bytes of the reference.
template <typename Client>
void ExpectReferenceResults(Client& client, const MaskingCase& masking_case, std::int64_t misalignment = 0);

}  // namespace maskd

#endif  // MASKD_TESTS_END_TO_END_GUARDED_CALL_H_
