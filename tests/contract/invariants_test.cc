// Every backend, the reference included, keeps the promises of
// docs/semantics.md.
#include "tests/contract/invariants.h"

#include <gtest/gtest.h>

#include "tests/contract/backend_fixture.h"
#include "tests/contract/masked_results.h"
#include "tests/contract/masking_case.h"

namespace maskd {
namespace {

using ::testing::Combine;
using ::testing::ValuesIn;

using InvariantsTest = BackendCaseTest;

TEST_P(InvariantsTest, HoldForEverySequence) {
  const PreparedCase prepared(masking_case());
  const MaskedResults results = MaskOrFail(*masker_, prepared.plan(), prepared.tokens());
  ExpectInvariants(prepared.plan(), prepared.tokens(), results);
}

INSTANTIATE_TEST_SUITE_P(Lengths, InvariantsTest,
                         Combine(ValuesIn(BackendsUnderTest()), ValuesIn(LengthCases())), BackendAndCaseName);
INSTANTIATE_TEST_SUITE_P(TokenBytes, InvariantsTest,
                         Combine(ValuesIn(BackendsUnderTest()), ValuesIn(TokenBytesCases())),
                         BackendAndCaseName);
INSTANTIATE_TEST_SUITE_P(ResultTypes, InvariantsTest,
                         Combine(ValuesIn(BackendsUnderTest()), ValuesIn(ResultTypeCases())),
                         BackendAndCaseName);
INSTANTIATE_TEST_SUITE_P(Noise, InvariantsTest,
                         Combine(ValuesIn(BackendsUnderTest()), ValuesIn(NoiseCases())), BackendAndCaseName);
INSTANTIATE_TEST_SUITE_P(Identity, InvariantsTest,
                         Combine(ValuesIn(BackendsUnderTest()), ValuesIn(IdentityCases())),
                         BackendAndCaseName);
INSTANTIATE_TEST_SUITE_P(Models, InvariantsTest,
                         Combine(ValuesIn(BackendsUnderTest()), ValuesIn(ModelCases())), BackendAndCaseName);

}  // namespace
}  // namespace maskd
