// Where results go: any alignment, the selected ones alone, nothing beside them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/masker.h"
#include "tests/contract/backend_fixture.h"
#include "tests/contract/guarded_bytes.h"
#include "tests/contract/invariants.h"
#include "tests/contract/masked_results.h"
#include "tests/contract/masking_case.h"

namespace maskd {
namespace {

using ::testing::ValuesIn;

MaskingCase FindCase(const std::string& name) {
  for (const MaskingCase& masking_case : AllCases()) {
    if (masking_case.name == name) return masking_case;
  }
  ADD_FAILURE() << "no case " << name;
  return AllCases().front();
}

using BuffersTest = BackendTest;

// Offsets of tokens and of results by 0 to 15 bytes, in every combination that
// matters: equal, and one or the other alone.
TEST_P(BuffersTest, AnyAlignmentOfTokensAndResults) {
  for (const char* const name :
       {"TokenBytes12", "TokenBytes16", "TokenBytes17", "TokenBytes1000", "TokenBytes3072",
        "IdsInt32MaskUint8KeptIsOneRaster", "IdsUint16MaskPackedBitsMaskedIsOneNoiseOrder"}) {
    const PreparedCase prepared(FindCase(name));
    const MaskedResults expected = MaskOrFail(*MakeReferenceMasker(), prepared.plan(), prepared.tokens());
    for (std::int64_t offset = 0; offset < 16; ++offset) {
      SCOPED_TRACE(std::string(name) + " offset " + std::to_string(offset));
      GuardedBytes memory(static_cast<std::int64_t>(prepared.tokens().size()), offset);
      std::copy(prepared.tokens().begin(), prepared.tokens().end(), memory.data());
      const std::span<const std::byte> tokens(memory.data(), prepared.tokens().size());
      ExpectSameResults(MaskOrFail(*masker_, prepared.plan(), tokens, 0), expected);
      ExpectSameResults(MaskOrFail(*masker_, prepared.plan(), tokens, offset), expected);
      ExpectSameResults(MaskOrFail(*masker_, prepared.plan(), prepared.tokens(), offset), expected);
      memory.ExpectGuardsIntact("tokens");
      EXPECT_EQ(memory.Copy(), prepared.tokens()) << "tokens were written";
    }
  }
}

TEST_P(BuffersTest, AnyAlignmentOfProvidedNoise) {
  constexpr std::int64_t kElements = 3 * 196;
  for (std::int64_t offset = 0; offset < 16; ++offset) {
    SCOPED_TRACE(offset);
    GuardedBytes memory(kElements * 4, offset);
    for (std::int64_t i = 0; i < kElements * 4; ++i)
      memory.data()[i] = static_cast<std::byte>(MixBits(std::uint64_t(i)));
    const std::vector<std::byte> noise = memory.Copy();
    MaskingSpec spec{.batch_size = 3,
                     .sequence_length = 196,
                     .token_type = TokenType{.token_dim = 3, .element_bytes = 4},
                     .num_keep = 49,
                     .noise_source = NoiseSource::kProvided,
                     .provided_noise = {memory.data(), static_cast<std::size_t>(kElements * 4)},
                     .selection = kAllResults};
    const absl::StatusOr<MaskingPlan> plan = MakeMaskingPlan(spec);
    ASSERT_TRUE(plan.ok()) << plan.status();
    const std::vector<std::byte> tokens(static_cast<std::size_t>(plan->tokens_bytes), std::byte{1});
    ExpectInvariants(*plan, tokens, MaskOrFail(*masker_, *plan, tokens, offset));
    memory.ExpectGuardsIntact("provided noise");
    EXPECT_EQ(memory.Copy(), noise) << "provided noise was written";
  }
}

// Each of the 63 subsets: the selected results are those of a call that selects
// all; the others may be null, and are not written if they are not.
TEST_P(BuffersTest, SelectedResultsAlone) {
  for (const char* const name :
       {"VitBase", "IdsInt64MaskPackedBitsMaskedIsOneRaster", "ProvidedRandomBitsMixed", "TorchSkipOne",
        "Length4097KeepQuarter", "Length257KeepNone"}) {
    MaskingCase masking_case = FindCase(name);
    masking_case.spec.batch_size = 5;
    const PreparedCase all(masking_case);
    const MaskedResults expected = MaskOrFail(*masker_, all.plan(), all.tokens());
    for (unsigned subset = 1; subset < 1u << kResultFields.size(); ++subset) {
      SCOPED_TRACE(std::string(name) + " subset " + std::to_string(subset));
      MaskedResults expected_subset = expected;
      for (std::size_t i = 0; i < kResultFields.size(); ++i) {
        const bool selected = (subset >> i & 1) != 0;
        masking_case.spec.selection.*kResultFields[i].selected = selected;
        if (!selected) (expected_subset.*kResultFields[i].bytes).clear();
      }
      const PreparedCase prepared(masking_case);
      ExpectSameResults(MaskOrFail(*masker_, prepared.plan(), prepared.tokens()), expected_subset);

      MaskingBuffers buffers{.tokens = prepared.tokens().data()};
      std::vector<GuardedBytes> memory;
      for (const ResultField& field : kResultFields) {
        memory.emplace_back(all.plan().result_bytes.*field.size, 0);
        buffers.*field.buffer = memory.back().data();
      }
      const absl::Status status = masker_->Mask(prepared.plan(), buffers);
      ASSERT_TRUE(status.ok()) << status;
      for (std::size_t i = 0; i < kResultFields.size(); ++i) {
        if ((subset >> i & 1) == 0) memory[i].ExpectUntouched(kResultFields[i].name);
      }
      if (HasFailure()) return;
    }
  }
}

// Memory of a large call must not show in a small one, or the other way round.
TEST_P(BuffersTest, CallsOfEverySizeOneAfterTheOther) {
  for (const char* const name :
       {"VitBase", "Length1KeepOne", "Length65536KeepQuarter", "Length2KeepAll", "TokenBytes3072",
        "Length100003KeepAll", "Length7KeepNone", "TorchSkipMany", "ProvidedNanOfEveryPayloadDescendingMixed",
        "Length4097KeepQuarter", "VitBase"}) {
    SCOPED_TRACE(name);
    const PreparedCase prepared(FindCase(name));
    ExpectSameResults(MaskOrFail(*masker_, prepared.plan(), prepared.tokens()),
                      MaskOrFail(*MakeReferenceMasker(), prepared.plan(), prepared.tokens()));
  }
}

TEST_P(BuffersTest, NamesItself) {
  EXPECT_THAT(std::vector<std::string>({"reference", "cpu", "cuda"}),
              ::testing::Contains(masker_->backend()));
  EXPECT_FALSE(masker_->device_name().empty());
}

INSTANTIATE_TEST_SUITE_P(Backends, BuffersTest, ValuesIn(BackendsUnderTest()), BackendName);

}  // namespace
}  // namespace maskd
