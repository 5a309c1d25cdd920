// The losses against what is known of them.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/tensor/array_bytes.h"
#include "tests/tensor/loss_cases.h"
#include "tests/tensor/tensor_backends.h"
#include "tests/tensor/tensor_calls.h"

namespace maskd {
namespace {

class LossesTest : public TensorBackendTest {
 protected:
  // Of positions whose target is 0 and whose mask is 1.
  absl::StatusOr<MaskedMean> Loss(ScoreKind kind, FloatType type, std::int64_t num_classes,
                                  const std::vector<double>& scores) {
    const std::int64_t positions = std::ssize(scores) / num_classes;
    const auto plan = MakeNllPlan({positions, num_classes}, type, kind, {positions}, IdsType::kInt64,
                                  {positions}, BooleanType::kUint8);
    EXPECT_TRUE(plan.ok()) << plan.status();
    if (!plan.ok()) return plan.status();
    const auto count = static_cast<std::size_t>(positions);
    return NllLoss(*ops_, *plan, FloatsOf(type, scores), BytesOf(std::vector<std::int64_t>(count)),
                   BytesOf(std::vector<std::uint8_t>(count, 1)));
  }
};

TEST_P(LossesTest, KindsOfScoreAgree) {
  const std::vector<double> probabilities = {0.25, 0.5, 0.125, 0.125};
  std::vector<double> logs;
  std::vector<double> logits;
  for (const double p : probabilities) logs.push_back(std::log(p));
  for (const double p : logs) logits.push_back(p + 3);
  const double expected = std::log(4.0);
  const FloatType type = FloatType::kFloat64;
  EXPECT_NEAR(Loss(ScoreKind::kProbabilities, type, 4, probabilities)->loss, expected, 1e-15);
  EXPECT_NEAR(Loss(ScoreKind::kLogProbabilities, type, 4, logs)->loss, expected, 1e-15);
  EXPECT_NEAR(Loss(ScoreKind::kLogits, type, 4, logits)->loss, expected, 1e-15);
}

TEST_P(LossesTest, LogitsDoNotOverflow) {
  for (const double shift : {0.0, 30000.0, -30000.0}) {
    const auto result = Loss(ScoreKind::kLogits, FloatType::kFloat16, 2, {shift, shift});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_NEAR(result->loss, std::log(2.0), 1e-11);
  }
  EXPECT_EQ(Loss(ScoreKind::kLogits, FloatType::kFloat64, 2, {1e300, -1e300})->loss, 0);
  EXPECT_EQ(Loss(ScoreKind::kLogits, FloatType::kFloat64, 2, {-1e300, 1e300})->loss, 2e300);
}

TEST_P(LossesTest, ProbabilityZeroIsInfinite) {
  const auto result = Loss(ScoreKind::kProbabilities, FloatType::kFloat32, 2, {0, 1, 0.5, 0.5});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->loss, std::numeric_limits<double>::infinity());
  EXPECT_EQ(result->count, 2);
}

// 0.1 in float32 differs from 0.1 in the ninth digit: sums of float32 would show.
TEST_P(LossesTest, IsComputedInDouble) {
  const std::vector<double> scores(100000, -0.1);
  const auto result = Loss(ScoreKind::kLogProbabilities, FloatType::kFloat32, 1, scores);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_NEAR(result->loss, static_cast<double>(0.1f), 1e-12);
}

TEST_P(LossesTest, NanLogitsAreNan) {
  const double nan = std::nan("");
  for (const std::vector<double>& scores : {std::vector{nan, 1.0}, std::vector{1.0, nan}}) {
    const auto result = Loss(ScoreKind::kLogits, FloatType::kFloat32, 2, scores);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(std::bit_cast<std::uint64_t>(result->loss), 0x7ff8000000000000u) << result->loss;
  }
}

// Scores [V], target and mask of no sizes: one position.
TEST_P(LossesTest, OnePositionWithoutSizes) {
  const auto plan = MakeNllPlan({3}, FloatType::kFloat64, ScoreKind::kLogProbabilities, {}, IdsType::kInt32,
                                {}, BooleanType::kFloat32);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const auto result =
      NllLoss(*ops_, *plan, BytesOf<double>({-1, -2, -4}), BytesOf<std::int32_t>({2}), BytesOf<float>({1}));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->loss, 4);
  EXPECT_EQ(result->count, 1);
}

INSTANTIATE_TEST_SUITE_P(Backends, LossesTest, ::testing::ValuesIn(TensorBackends()), TensorBackendName);

}  // namespace
}  // namespace maskd
