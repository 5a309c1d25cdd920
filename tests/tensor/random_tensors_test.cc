// A thousand shapes for each operation that nobody thought of. The seed is fresh
// each run; MASKD_TEST_SEED repeats one.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <sstream>
#include <string>

#include "tests/tensor/index_cases.h"
#include "tests/tensor/loss_cases.h"
#include "tests/tensor/move_cases.h"
#include "tests/tensor/random_source.h"
#include "tests/tensor/tensor_backends.h"
#include "tests/tensor/tensor_calls.h"

namespace maskd {
namespace {

constexpr int kCases = 1000;

class RandomTensorsTest : public TensorBackendTest {
 protected:
  // Calls check(make(random)) for each case, until one fails.
  template <typename Make, typename Check>
  void ForCases(const Make& make, const Check& check) {
    const std::uint64_t seed = FreshSeed();
    RandomSource random(seed);
    for (int i = 0; i < kCases && !HasFailure(); ++i) {
      const auto c = make(random);
      std::ostringstream text;
      text << "MASKD_TEST_SEED=" << seed << ", case " << i << ": " << c;
      SCOPED_TRACE(text.str());
      check(c);
    }
  }
};

template <typename Case>
Case Filled(Case c, RandomSource& random) {
  Fill(c, random);
  return c;
}

IndexCase RandomIndexCase(RandomSource& random) { return FillIndexCase(RandomIndexSpec(random), random); }

IndexCase RandomWideIndexCase(RandomSource& random) {
  return FillIndexCase(RandomWideIndexSpec(random), random);
}

TEST_P(RandomTensorsTest, Gather) {
  ForCases(RandomIndexCase, [&](const IndexCase& c) { CheckGather(*ops_, c); });
}

TEST_P(RandomTensorsTest, Scatter) {
  ForCases(RandomIndexCase, [&](const IndexCase& c) { CheckScatter(*ops_, c); });
}

TEST_P(RandomTensorsTest, GatherOfWideRows) {
  ForCases(RandomWideIndexCase, [&](const IndexCase& c) { CheckGather(*ops_, c); });
}

TEST_P(RandomTensorsTest, ScatterOfWideRows) {
  ForCases(RandomWideIndexCase, [&](const IndexCase& c) { CheckScatter(*ops_, c); });
}

TEST_P(RandomTensorsTest, ScatterAddOfWideRows) {
  ForCases(
      [](RandomSource& random) {
        return FillAddCase(RandomWideIndexSpec(random), FloatType::kFloat32, random);
      },
      [&](const IndexCase& c) { CheckScatterAdd(*ops_, FloatType::kFloat32, c); });
}

TEST_P(RandomTensorsTest, ScatterAdd) {
  for (const FloatType type :
       {FloatType::kFloat32, FloatType::kFloat16, FloatType::kBfloat16, FloatType::kFloat64}) {
    SCOPED_TRACE("type " + std::to_string(static_cast<int>(type)));
    ForCases([type](RandomSource& random) { return FillAddCase(RandomIndexSpec(random), type, random); },
             [&](const IndexCase& c) { CheckScatterAdd(*ops_, type, c); });
  }
}

TEST_P(RandomTensorsTest, RestoreTokens) {
  ForCases([](RandomSource& random) { return Filled(RandomRestoreCase(random), random); },
           [&](const RestoreCase& c) { Check(*ops_, c); });
}

TEST_P(RandomTensorsTest, MaskedSelect) {
  ForCases([](RandomSource& random) { return Filled(RandomSelectCase(random), random); },
           [&](const SelectCase& c) { Check(*ops_, c); });
}

TEST_P(RandomTensorsTest, PadSequences) {
  ForCases([](RandomSource& random) { return Filled(RandomPadCase(random), random); },
           [&](const PadCase& c) { Check(*ops_, c); });
}

TEST_P(RandomTensorsTest, MaskedNllLoss) {
  ForCases([](RandomSource& random) { return Filled(RandomNllCase(random), random); },
           [&](const NllCase& c) { Check(*ops_, c); });
}

TEST_P(RandomTensorsTest, MaskedReconstructionLoss) {
  ForCases([](RandomSource& random) { return Filled(RandomReconstructionCase(random), random); },
           [&](const ReconstructionCase& c) { Check(*ops_, c); });
}

// Scattering what was gathered, by the same index, changes nothing; and where the
// index is a permutation along dim, gathering what was scattered returns src.
TEST_P(RandomTensorsTest, GatherAndScatterUndoEachOther) {
  ForCases(RandomIndexCase, [&](const IndexCase& c) {
    const auto plan = MakeIndexPlan(c.spec);
    ASSERT_TRUE(plan.ok()) << plan.status();
    const Bytes index = IdsOf(c.spec.index_type, c.index);
    const auto gathered = Gather(*ops_, *plan, c.spec.element_bytes, c.input, index);
    ASSERT_TRUE(gathered.ok()) << gathered.status();
    const auto scattered = Scatter(*ops_, *plan, c.spec.element_bytes, c.input, index, *gathered);
    ASSERT_TRUE(scattered.ok()) << scattered.status();
    EXPECT_TRUE(*scattered == c.input);
  });
  ForCases(
      [](RandomSource& random) {
        const std::int64_t N = random.Between(1, 4);
        const std::int64_t L = random.Between(1, 9);
        IndexCase c = FillIndexCase({.input_shape = {N, L, random.Between(1, 4)},
                                     .index_shape = {N, L},
                                     .dim = 1,
                                     .index_type = IdsType::kInt32,
                                     .element_bytes = random.SomeElementBytes(),
                                     .index_rank = 2},
                                    random);
        c.index.clear();
        for (std::int64_t n = 0; n < N; ++n) {
          const std::vector<std::int64_t> row = random.Permutation(L);
          c.index.insert(c.index.end(), row.begin(), row.end());
        }
        return c;
      },
      [&](const IndexCase& c) {
        const auto plan = MakeIndexPlan(c.spec);
        ASSERT_TRUE(plan.ok()) << plan.status();
        const Bytes index = IdsOf(c.spec.index_type, c.index);
        const auto scattered = Scatter(*ops_, *plan, c.spec.element_bytes, c.input, index, c.src);
        ASSERT_TRUE(scattered.ok()) << scattered.status();
        const auto gathered = Gather(*ops_, *plan, c.spec.element_bytes, *scattered, index);
        ASSERT_TRUE(gathered.ok()) << gathered.status();
        EXPECT_TRUE(*gathered == c.src);
      });
}

INSTANTIATE_TEST_SUITE_P(Backends, RandomTensorsTest, ::testing::ValuesIn(TensorBackends()),
                         TensorBackendName);

}  // namespace
}  // namespace maskd
