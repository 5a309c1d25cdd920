// Values that break a rule: the error names the first, and its place.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/tensor/array_bytes.h"
#include "tests/tensor/expect_refused.h"
#include "tests/tensor/tensor_backends.h"
#include "tests/tensor/tensor_calls.h"

namespace maskd {
namespace {

class BadValuesTest : public TensorBackendTest {
 protected:
  // Every indexed operation refuses `index`, of a tensor of 57 elements.
  void ExpectIndexRefused(IdsType type, const std::vector<std::int64_t>& index,
                          const std::vector<std::string>& words) {
    const auto plan = MakeIndexPlan({.input_shape = {57},
                                     .index_shape = {std::ssize(index)},
                                     .dim = 0,
                                     .index_type = type,
                                     .element_bytes = 4});
    ASSERT_TRUE(plan.ok()) << plan.status();
    const Bytes input = BytesOf(std::vector<float>(57));
    const Bytes src = BytesOf(std::vector<float>(index.size()));
    ExpectRefused(Gather(*ops_, *plan, 4, input, IdsOf(type, index)), words);
    ExpectRefused(Scatter(*ops_, *plan, 4, input, IdsOf(type, index), src), words);
    ExpectRefused(ScatterAdd(*ops_, *plan, FloatType::kFloat32, input, IdsOf(type, index), src), words);
  }

  void ExpectIdsRestoreRefused(IdsType type, const std::vector<std::int64_t>& ids, const std::string& value) {
    const std::int64_t L = std::ssize(ids) / 2;
    const auto plan = MakeRestorePlan({2, 1, 3}, 2, {2, L}, type, 0);
    ASSERT_TRUE(plan.ok()) << plan.status();
    ExpectRefused(RestoreTokens(*ops_, *plan, 2, Bytes(12), IdsOf(type, ids), Bytes(6)),
                  {"ids_restore", value});
  }

  // Every operation refuses a mask whose element 23 is `value`.
  template <typename Value>
  void ExpectMaskRefused(BooleanType type, Value value, const std::string& name) {
    std::vector<Value> mask(40, Value{1});
    mask[23] = value;
    mask[31] = value;
    const auto select = MakeSelectPlan({3, 40}, 1, {40}, type);
    const auto nll =
        MakeNllPlan({40, 2}, FloatType::kFloat32, ScoreKind::kLogits, {40}, IdsType::kInt32, {40}, type);
    const auto reconstruction = MakeReconstructionPlan({.prediction_shape = {4, 10, 1},
                                                        .target_shape = {4, 10, 1},
                                                        .mask_shape = {4, 10},
                                                        .mask_type = type});
    ASSERT_TRUE(select.ok() && nll.ok() && reconstruction.ok());
    const std::vector<std::string> words = {"mask", "23", name};
    ExpectRefused(MaskedSelect(*ops_, *select, Bytes(120), BytesOf(mask)), words);
    ExpectRefused(NllLoss(*ops_, *nll, Bytes(320), Bytes(160), BytesOf(mask)), words);
    const absl::Status status =
        ReconstructionLoss(*ops_, *reconstruction, Bytes(160), Bytes(160), BytesOf(mask)).status();
    ExpectRefused(status, {"mask", name});
  }

  absl::StatusOr<MaskedMean> NllOf(ScoreKind kind, const std::vector<float>& scores,
                                   const std::vector<std::int64_t>& target, const std::vector<int>& mask) {
    const std::int64_t positions = std::ssize(target);
    const auto plan = MakeNllPlan({positions, std::ssize(scores) / std::max<std::int64_t>(positions, 1)},
                                  FloatType::kFloat32, kind, {positions}, IdsType::kInt64, {positions},
                                  BooleanType::kUint8);
    if (!plan.ok()) return plan.status();
    return NllLoss(*ops_, *plan, BytesOf(scores), BytesOf(target), BooleansOf(BooleanType::kUint8, mask));
  }
};

TEST_P(BadValuesTest, Index) {
  const auto index_with = [](std::int64_t value) {
    std::vector<std::int64_t> index(40, 56);
    index[23] = value;
    index[31] = 999;
    return index;
  };
  ExpectIndexRefused(IdsType::kInt64, index_with(57), {"index", "23", "57"});
  ExpectIndexRefused(IdsType::kInt64, index_with(-1), {"index", "23", "-1"});  // not wrapped
  ExpectIndexRefused(IdsType::kInt64, index_with(4294967296), {"23", "4294967296"});
  ExpectIndexRefused(IdsType::kInt64, index_with(INT64_MIN), {"23", "-9223372036854775808"});
  ExpectIndexRefused(IdsType::kInt64, index_with(INT64_MAX), {"23", "9223372036854775807"});
  ExpectIndexRefused(IdsType::kInt32, index_with(57), {"23", "57"});
  ExpectIndexRefused(IdsType::kInt32, index_with(-4711), {"23", "-4711"});
  ExpectIndexRefused(IdsType::kInt32, index_with(INT32_MIN), {"23", "-2147483648"});
}

// Of a large index with several, whichever thread finds one first.
TEST_P(BadValuesTest, FirstOfALargeIndex) {
  std::vector<std::int64_t> index(400000, 3);
  for (const std::size_t i : {170003u, 170004u, 300001u, 399999u}) index[i] = 1000 + std::int64_t(i);
  for (int i = 0; i < 10; ++i) ExpectIndexRefused(IdsType::kInt32, index, {"170003", "171003"});
}

// Where an index moves rows, the position is that in the index.
TEST_P(BadValuesTest, IndexOfRows) {
  const auto plan = MakeIndexPlan(
      {.input_shape = {2, 57, 8}, .index_shape = {2, 20}, .dim = 1, .element_bytes = 2, .index_rank = 2});
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::vector<std::int64_t> index(40);
  index[23] = 4711;
  ExpectRefused(Gather(*ops_, *plan, 2, Bytes(2 * 57 * 8 * 2), BytesOf(index)), {"index[1, 3]", "4711"});
  ExpectRefused(Scatter(*ops_, *plan, 2, Bytes(2 * 57 * 8 * 2), BytesOf(index), Bytes(2 * 20 * 8 * 2)),
                {"index[1, 3]", "4711"});
}

// The first in row-major order, whatever the order in which columns are followed.
TEST_P(BadValuesTest, FirstOfWideRows) {
  const auto plan =
      MakeIndexPlan({.input_shape = {2, 6, 70}, .index_shape = {2, 5, 70}, .dim = 1, .element_bytes = 4});
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::vector<std::int64_t> index(2 * 5 * 70);
  for (std::size_t i = 0; i < index.size(); ++i) index[i] = std::int64_t(i * 7 % 6);
  index[(5 + 3) * 70 + 2] = -8;
  index[(5 + 1) * 70 + 65] = 4711;
  ExpectRefused(Gather(*ops_, *plan, 4, Bytes(2 * 6 * 70 * 4), BytesOf(index)), {"index[1, 1, 65]", "4711"});
  ExpectRefused(Scatter(*ops_, *plan, 4, Bytes(2 * 6 * 70 * 4), BytesOf(index), Bytes(2 * 5 * 70 * 4)),
                {"index[1, 1, 65]", "4711"});
}

// Of a dim that has no places no index is in range.
TEST_P(BadValuesTest, IndexOfAnEmptyDim) {
  const auto plan =
      MakeIndexPlan({.input_shape = {2, 0}, .index_shape = {2, 1}, .dim = 1, .element_bytes = 1});
  ASSERT_TRUE(plan.ok()) << plan.status();
  ExpectRefused(Gather(*ops_, *plan, 1, {}, BytesOf<std::int64_t>({0, 0})), {"0"});
}

TEST_P(BadValuesTest, IdsRestore) {
  for (const IdsType type : {IdsType::kInt64, IdsType::kInt32, IdsType::kUint16}) {
    ExpectIdsRestoreRefused(type, {0, 1, 2, 0, 1, 3}, "3");         // not below L
    ExpectIdsRestoreRefused(type, {0, 1, 2, 2, 1, 2}, "2");         // twice in the second row
    ExpectIdsRestoreRefused(type, {0, 4711, 2, 0, 1, 77}, "4711");  // the first of two
  }
  ExpectIdsRestoreRefused(IdsType::kInt64, {0, 1, 2, 0, -1, 2}, "-1");
  ExpectIdsRestoreRefused(IdsType::kInt32, {0, 1, 2, 0, -4711, 2}, "-4711");
  ExpectIdsRestoreRefused(IdsType::kInt64, {0, 1, 2, 0, 4294967297, 2}, "4294967297");  // 1 in 32 bits
  ExpectIdsRestoreRefused(IdsType::kUint16, {0, 1, 2, 0, 65535, 2}, "65535");
}

TEST_P(BadValuesTest, MaskIsNeither0Nor1) {
  ExpectMaskRefused<std::uint8_t>(BooleanType::kUint8, 2, "2");
  ExpectMaskRefused<std::uint8_t>(BooleanType::kUint8, 255, "255");
  ExpectMaskRefused<float>(BooleanType::kFloat32, 0.625f, "0.625");
  ExpectMaskRefused<float>(BooleanType::kFloat32, -1, "-1");
  ExpectMaskRefused<float>(BooleanType::kFloat32, std::nanf(""), "nan");
  ExpectMaskRefused<float>(BooleanType::kFloat32, std::numeric_limits<float>::infinity(), "inf");
}

TEST_P(BadValuesTest, TargetOfAPositionThatCounts) {
  const std::vector<float> scores(80, 0.5f);
  for (const std::int64_t value : {std::int64_t{2}, std::int64_t{-1}, std::int64_t{4711}, INT64_MIN}) {
    std::vector<std::int64_t> target(40, 1);
    std::vector<int> mask(40, 1);
    target[11] = 999;
    mask[11] = 0;
    target[23] = value;
    target[31] = 888;
    ExpectRefused(NllOf(ScoreKind::kLogits, scores, target, mask), {"target", "23", std::to_string(value)});
    mask[23] = mask[31] = 0;
    EXPECT_TRUE(NllOf(ScoreKind::kLogits, scores, target, mask).ok());
  }
}

TEST_P(BadValuesTest, ProbabilityOfATarget) {
  const std::vector<std::int64_t> target(40, 1);
  for (const auto& [value, name] : std::vector<std::pair<float, std::string>>{
           {-0.375f, "-0.375"}, {std::nanf(""), "nan"}, {-std::numeric_limits<float>::infinity(), "-inf"}}) {
    std::vector<float> scores(80, 0.5f);
    scores[2 * 23 + 1] = value;
    ExpectRefused(NllOf(ScoreKind::kProbabilities, scores, target, std::vector<int>(40, 1)), {"23", name});
    std::vector<int> mask(40, 1);
    mask[23] = 0;
    EXPECT_TRUE(NllOf(ScoreKind::kProbabilities, scores, target, mask).ok());
  }
}

TEST_P(BadValuesTest, FirstTargetOfManyPositions) {
  std::vector<std::int64_t> target(200000, 0);
  for (const std::size_t i : {120003u, 120004u, 190001u}) target[i] = std::int64_t(i) + 1000;
  const std::vector<float> scores(400000, 0.5f);
  const std::vector<int> mask(200000, 1);
  for (int i = 0; i < 10; ++i) {
    ExpectRefused(NllOf(ScoreKind::kProbabilities, scores, target, mask), {"120003", "121003"});
  }
}

TEST_P(BadValuesTest, NothingCounts) {
  ExpectRefused(NllOf(ScoreKind::kLogits, {1, 2, 3, 4}, {0, 1}, {0, 0}), {"mask"});
  const auto plan = MakeReconstructionPlan(
      {.prediction_shape = {1, 2, 1}, .target_shape = {1, 2, 1}, .mask_shape = {1, 2}});
  ASSERT_TRUE(plan.ok()) << plan.status();
  ExpectRefused(ReconstructionLoss(*ops_, *plan, Bytes(8), Bytes(8), Bytes(8)), {"mask"});
}

INSTANTIATE_TEST_SUITE_P(Backends, BadValuesTest, ::testing::ValuesIn(TensorBackends()), TensorBackendName);

}  // namespace
}  // namespace maskd
