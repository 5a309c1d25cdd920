#include "tests/end_to_end/guarded_call.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/masker.h"
#include "tests/contract/guarded_bytes.h"

namespace maskd {

template <typename Client>
absl::Status CallIntoGuarded(Client& client, const PreparedCase& prepared, MaskedResults* results,
                             const CallLimits& limits, std::int64_t misalignment) {
  const MaskingPlan& plan = prepared.plan();
  MaskingBuffers buffers;
  std::vector<GuardedBytes> memory;
  for (const ResultField& field : kResultFields) {
    memory.emplace_back(plan.result_bytes.*field.size, misalignment);
    if (plan.selection.*field.selected) buffers.*field.buffer = memory.back().data();
  }
  const absl::StatusOr<MaskingFacts> facts =
      prepared.spec().token_type.has_value()
          ? client.RandomMasking(prepared.spec(), prepared.tokens(), buffers, limits)
          : client.GenerateMask(prepared.spec(), buffers, limits);
  EXPECT_TRUE(!facts.ok() || facts->num_keep == plan.num_keep);
  for (std::size_t i = 0; i < kResultFields.size(); ++i) {
    memory[i].ExpectGuardsIntact(kResultFields[i].name);
    if (results != nullptr) results->*kResultFields[i].bytes = memory[i].Copy();
  }
  return facts.status();
}

template <typename Client>
void ExpectReferenceResults(Client& client, const MaskingCase& masking_case, std::int64_t misalignment) {
  SCOPED_TRACE(masking_case.name);
  const PreparedCase prepared(masking_case);
  MaskedResults results;
  const absl::Status status = CallIntoGuarded(client, prepared, &results, {}, misalignment);
  ASSERT_TRUE(status.ok()) << status;
  ExpectSameResults(results, MaskOrFail(*MakeReferenceMasker(), prepared.plan(), prepared.tokens()));
}

template absl::Status CallIntoGuarded(MaskingClient&, const PreparedCase&, MaskedResults*, const CallLimits&,
                                      std::int64_t);
template absl::Status CallIntoGuarded(ShardedClient&, const PreparedCase&, MaskedResults*, const CallLimits&,
                                      std::int64_t);
template void ExpectReferenceResults(MaskingClient&, const MaskingCase&, std::int64_t);
template void ExpectReferenceResults(ShardedClient&, const MaskingCase&, std::int64_t);

}  // namespace maskd
