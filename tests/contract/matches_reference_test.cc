// Every backend writes the bytes of the reference.
#include <gtest/gtest.h>

#include "kernels/masker.h"
#include "tests/contract/backend_fixture.h"
#include "tests/contract/masked_results.h"
#include "tests/contract/masking_case.h"

namespace maskd {
namespace {

using ::testing::Combine;
using ::testing::ValuesIn;

using MatchesReferenceTest = BackendCaseTest;

TEST_P(MatchesReferenceTest, EveryByte) {
  const PreparedCase prepared(masking_case());
  const MaskedResults expected = MaskOrFail(*MakeReferenceMasker(), prepared.plan(), prepared.tokens());
  ExpectSameResults(MaskOrFail(*masker_, prepared.plan(), prepared.tokens()), expected);
}

INSTANTIATE_TEST_SUITE_P(Lengths, MatchesReferenceTest,
                         Combine(ValuesIn(BackendsBesideReference()), ValuesIn(LengthCases())),
                         BackendAndCaseName);
INSTANTIATE_TEST_SUITE_P(TokenBytes, MatchesReferenceTest,
                         Combine(ValuesIn(BackendsBesideReference()), ValuesIn(TokenBytesCases())),
                         BackendAndCaseName);
INSTANTIATE_TEST_SUITE_P(ResultTypes, MatchesReferenceTest,
                         Combine(ValuesIn(BackendsBesideReference()), ValuesIn(ResultTypeCases())),
                         BackendAndCaseName);
INSTANTIATE_TEST_SUITE_P(Noise, MatchesReferenceTest,
                         Combine(ValuesIn(BackendsBesideReference()), ValuesIn(NoiseCases())),
                         BackendAndCaseName);
INSTANTIATE_TEST_SUITE_P(Identity, MatchesReferenceTest,
                         Combine(ValuesIn(BackendsBesideReference()), ValuesIn(IdentityCases())),
                         BackendAndCaseName);
INSTANTIATE_TEST_SUITE_P(Models, MatchesReferenceTest,
                         Combine(ValuesIn(BackendsBesideReference()), ValuesIn(ModelCases())),
                         BackendAndCaseName);

}  // namespace
}  // namespace maskd
