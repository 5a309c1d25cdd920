// A sample's mask depends on (seed, epoch, sample id, mask index) and nothing
// else: not on its batch, its place in it, or what runs at the same time.
#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/contract/backend_fixture.h"
#include "tests/contract/masked_results.h"
#include "tests/contract/masking_case.h"

namespace maskd {
namespace {

using ::testing::ValuesIn;

// Seeded, N = sample_ids.size() sequences of L = 196, masks alone.
MaskingCase SamplesCase(std::vector<std::uint64_t> sample_ids) {
  MaskingSpec spec{.batch_size = static_cast<std::int64_t>(sample_ids.size()),
                   .sequence_length = 196,
                   .num_keep = 49,
                   .seed = 2023,
                   .epoch = 4,
                   .mask_index = 1,
                   .selection = kAllResults};
  spec.selection.kept_tokens = false;
  return {.name = "Samples", .spec = spec, .sample_ids = std::move(sample_ids)};
}

std::vector<MaskedResults> ResultsBySequence(Masker& masker, const MaskingCase& masking_case) {
  const PreparedCase prepared(masking_case);
  const MaskedResults results = MaskOrFail(masker, prepared.plan(), prepared.tokens());
  std::vector<MaskedResults> by_sequence;
  for (std::int64_t n = 0; n < prepared.plan().batch_size; ++n) {
    by_sequence.push_back(ResultsOfSequence(results, prepared.plan(), n));
  }
  return by_sequence;
}

using BatchIndependenceTest = BackendTest;

TEST_P(BatchIndependenceTest, TheSameAloneAndInAnyBatchInAnyOrder) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("random seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> sample_ids(40);
  std::generate(sample_ids.begin(), sample_ids.end(), random);
  const std::vector<MaskedResults> together = ResultsBySequence(*masker_, SamplesCase(sample_ids));

  std::vector<std::size_t> order(sample_ids.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  std::vector<std::uint64_t> shuffled_ids;
  for (const std::size_t i : order) shuffled_ids.push_back(sample_ids[i]);
  const std::vector<MaskedResults> shuffled = ResultsBySequence(*masker_, SamplesCase(shuffled_ids));

  for (std::size_t i = 0; i < order.size(); ++i) {
    SCOPED_TRACE("sample id " + std::to_string(shuffled_ids[i]));
    ExpectSameResults(shuffled[i], together[order[i]]);
    ExpectSameResults(ResultsBySequence(*masker_, SamplesCase({shuffled_ids[i]})).front(),
                      together[order[i]]);
  }
}

TEST_P(BatchIndependenceTest, FirstSampleIdCountsAsTheArrayDoes) {
  const std::vector<std::uint64_t> ids = {~0ull - 1, ~0ull, 0, 1, 2};
  MaskingCase counted = SamplesCase({});
  counted.spec.batch_size = 5;
  counted.spec.first_sample_id = ids.front();
  const auto by_count = ResultsBySequence(*masker_, counted);
  const auto by_array = ResultsBySequence(*masker_, SamplesCase(ids));
  for (std::size_t i = 0; i < ids.size(); ++i) ExpectSameResults(by_count[i], by_array[i]);
}

TEST_P(BatchIndependenceTest, TheSameIdTwiceIsTheSameMaskTwice) {
  const auto results = ResultsBySequence(*masker_, SamplesCase({9, 5, 9, 9}));
  ExpectSameResults(results[2], results[0]);
  ExpectSameResults(results[3], results[0]);
  EXPECT_NE(results[1].ids_restore, results[0].ids_restore);
}

// The other direction: each of the four inputs matters, every bit of it.
TEST_P(BatchIndependenceTest, EveryBitOfSeedEpochIdAndMaskIndexChangesTheMask) {
  std::vector<MaskingCase> cases = {SamplesCase({77})};
  for (int bit = 0; bit < 64; ++bit) {
    cases.push_back(SamplesCase({77 ^ (1ull << bit)}));
    cases.push_back(SamplesCase({77}));
    cases.back().spec.seed ^= 1ull << bit;
  }
  for (int bit = 0; bit < 24; ++bit) {
    cases.push_back(SamplesCase({77}));
    cases.back().spec.epoch ^= 1u << bit;
  }
  for (int bit = 0; bit < 8; ++bit) {
    cases.push_back(SamplesCase({77}));
    cases.back().spec.mask_index ^= 1u << bit;
  }
  std::set<std::string> masks;
  for (const MaskingCase& masking_case : cases) {
    const auto ids = ResultsBySequence(*masker_, masking_case).front().ids_restore;
    masks.emplace(reinterpret_cast<const char*>(ids.data()), ids.size());
  }
  EXPECT_EQ(masks.size(), cases.size());
}

TEST_P(BatchIndependenceTest, NumKeepAndPayloadDoNotChangeTheOrder) {
  const auto keep_49 = ResultsBySequence(*masker_, SamplesCase({1, 2, 3}));
  MaskingCase other = SamplesCase({1, 2, 3});
  other.spec.num_keep = 1;
  other.spec.token_type = TokenType{.token_dim = 3, .element_bytes = 1};
  const auto keep_1 = ResultsBySequence(*masker_, other);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(keep_1[i].ids_restore, keep_49[i].ids_restore);
}

// Several threads, each with calls of its own, on one masker.
TEST_P(BatchIndependenceTest, OverlappingCallsDoNotDisturbEachOther) {
  constexpr std::size_t kThreads = 5;
  constexpr int kRounds = 20;
  std::vector<MaskingCase> cases = ModelCases();
  for (const MaskingCase& masking_case : NoiseCases()) {
    if (masking_case.name == "TorchSkipState" || masking_case.name == "ProvidedFewValuesDescendingMixed") {
      cases.push_back(masking_case);
    }
  }
  std::erase_if(cases, [](const MaskingCase& c) { return c.name == "VitBase" || c.name == "VitHuge"; });
  std::vector<std::unique_ptr<PreparedCase>> prepared;
  std::vector<MaskedResults> expected;
  for (const MaskingCase& masking_case : cases) {
    prepared.push_back(std::make_unique<PreparedCase>(masking_case));
    expected.push_back(MaskOrFail(*masker_, prepared.back()->plan(), prepared.back()->tokens()));
  }
  std::barrier start(static_cast<std::ptrdiff_t>(kThreads));
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int round = 0; round < kRounds; ++round) {
        const std::size_t i = (t + static_cast<std::size_t>(round)) % prepared.size();
        SCOPED_TRACE(cases[i].name);
        ExpectSameResults(MaskOrFail(*masker_, prepared[i]->plan(), prepared[i]->tokens()), expected[i]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

INSTANTIATE_TEST_SUITE_P(Backends, BatchIndependenceTest, ValuesIn(BackendsUnderTest()), BackendName);

}  // namespace
}  // namespace maskd
