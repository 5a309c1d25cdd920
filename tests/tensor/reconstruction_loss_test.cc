// MaskedReconstructionLoss against forward_loss of facebookresearch/mae, in
// float64: patchify, normalize, mean over each patch, mean over removed ones.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "tests/tensor/array_bytes.h"
#include "tests/tensor/loss_cases.h"
#include "tests/tensor/random_source.h"
#include "tests/tensor/tensor_backends.h"
#include "tests/tensor/tensor_calls.h"

namespace maskd {
namespace {

// forward_loss: every patch is computed, and multiplied by the mask.
double PublishedLoss(const ReconstructionCase& c) {
  const std::vector<double> prediction = DoublesOf(c.spec.prediction_type, c.prediction);
  std::vector<double> target = c.TargetTokens();
  const auto P = static_cast<std::size_t>(c.spec.prediction_shape[2]);
  double loss = 0;
  double removed = 0;
  for (std::size_t token = 0; token < c.mask.size(); ++token) {
    double* const patch = &target[token * P];
    if (c.spec.normalize_target) {
      double mean = 0;
      double square = 0;
      for (std::size_t p = 0; p < P; ++p) mean += patch[p] / static_cast<double>(P);
      for (std::size_t p = 0; p < P; ++p) square += std::pow(patch[p] - mean, 2);
      const double variance = square / static_cast<double>(P - 1);
      for (std::size_t p = 0; p < P; ++p) patch[p] = (patch[p] - mean) / std::pow(variance + 1e-6, 0.5);
    }
    double squares = 0;
    for (std::size_t p = 0; p < P; ++p) squares += std::pow(prediction[token * P + p] - patch[p], 2);
    loss += squares / static_cast<double>(P) * c.mask[token];
    removed += c.mask[token];
  }
  return loss / removed;
}

class ReconstructionLossTest : public TensorBackendTest {
 protected:
  absl::StatusOr<MaskedMean> Loss(const ReconstructionCase& c) {
    const auto plan = MakeReconstructionPlan(c.spec);
    if (!plan.ok()) return plan.status();
    return ReconstructionLoss(*ops_, *plan, c.prediction, c.target, BooleansOf(c.spec.mask_type, c.mask));
  }
};

TEST_P(ReconstructionLossTest, IsThePublishedOne) {
  const std::uint64_t seed = FreshSeed();
  RandomSource random(seed);
  for (int i = 0; i < 500 && !HasFailure(); ++i) {
    ReconstructionCase c = RandomReconstructionCase(random);
    Fill(c, random);
    std::ostringstream text;
    text << "MASKD_TEST_SEED=" << seed << ", case " << i << ": " << c;
    SCOPED_TRACE(text.str());
    const auto result = Loss(c);
    ASSERT_TRUE(result.ok()) << result.status();
    const double expected = PublishedLoss(c);
    EXPECT_NEAR(result->loss, expected, 1e-6 * expected);
  }
}

// The same picture in both layouts, and as tokens, wider than high.
TEST_P(ReconstructionLossTest, LayoutsOfOneImageAgree) {
  constexpr std::int64_t C = 3, H = 4, W = 6;
  std::vector<double> first(C * H * W);
  std::vector<double> last(C * H * W);
  for (std::int64_t i = 0; i < C * H * W; ++i) {
    const std::int64_t c = i % C, x = i / C % W, y = i / C / W;
    last[static_cast<std::size_t>(i)] = static_cast<double>(100 * c + 10 * y + x);
    first[static_cast<std::size_t>((c * H + y) * W + x)] = last[static_cast<std::size_t>(i)];
  }
  ReconstructionCase c;
  c.spec = {.prediction_shape = {1, 6, 12},
            .prediction_type = FloatType::kFloat32,
            .target_shape = {1, C, H, W},
            .target_type = FloatType::kFloat32,
            .target_layout = ImageLayout::kChannelsFirst,
            .patch_size = 2,
            .mask_shape = {1, 6}};
  c.target = FloatsOf(FloatType::kFloat32, first);
  // Token 4 is the middle of the lower row of patches: y 2 and 3, x 2 and 3.
  std::vector<double> prediction(6 * 12, -1000);
  const std::vector<double> patch = {22, 122, 222, 23, 123, 223, 32, 132, 232, 33, 133, 233};
  for (std::size_t p = 0; p < 12; ++p) prediction[4 * 12 + p] = patch[p] + (p == 7 ? 6 : 0);
  c.prediction = FloatsOf(FloatType::kFloat32, prediction);
  c.mask = {0, 0, 0, 0, 1, 0};
  EXPECT_EQ(Loss(c)->loss, 3);
  c.spec.target_layout = ImageLayout::kChannelsLast;
  c.spec.target_shape = {1, H, W, C};
  c.target = FloatsOf(FloatType::kFloat32, last);
  EXPECT_EQ(Loss(c)->loss, 3);
  c.target = FloatsOf(FloatType::kFloat32, c.TargetTokens());
  c.spec.target_layout = ImageLayout::kTokens;
  c.spec.target_shape = c.spec.prediction_shape;
  c.spec.patch_size = 0;
  EXPECT_EQ(Loss(c)->loss, 3);
}

// Of a patch of one colour, variance 0, the normalized target is 0.
TEST_P(ReconstructionLossTest, PatchOfVarianceZero) {
  ReconstructionCase c;
  c.spec = {.prediction_shape = {1, 2, 4},
            .target_shape = {1, 2, 4},
            .mask_shape = {1, 2},
            .normalize_target = true};
  c.prediction = BytesOf<float>({1, 2, 3, 4, 9, 9, 9, 9});
  c.target = BytesOf<float>({0.5, 0.5, 0.5, 0.5, 9, 9, 9, 9});
  c.mask = {1, 0};
  const auto result = Loss(c);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->loss, (1 + 4 + 9 + 16) / 4.0);
  EXPECT_EQ(result->count, 1);
}

// Variance of 0, 2: 2 unbiased, 1 biased.
TEST_P(ReconstructionLossTest, VarianceIsUnbiased) {
  ReconstructionCase c;
  c.spec = {.prediction_shape = {1, 1, 2},
            .prediction_type = FloatType::kFloat64,
            .target_shape = {1, 1, 2},
            .target_type = FloatType::kBfloat16,
            .mask_shape = {1, 1},
            .mask_type = BooleanType::kUint8,
            .normalize_target = true};
  c.prediction = BytesOf<double>({0, 0});
  c.target = FloatsOf(FloatType::kBfloat16, {0, 2});
  c.mask = {1};
  EXPECT_NEAR(Loss(c)->loss, 1 / (2 + 1e-6), 1e-15);
}

// Removed tokens count alike, in whichever sample they are.
TEST_P(ReconstructionLossTest, MeanIsOverTheWholeBatch) {
  ReconstructionCase c;
  c.spec = {.prediction_shape = {2, 2, 1}, .target_shape = {2, 2, 1}, .mask_shape = {2, 2}};
  c.prediction = BytesOf<float>({1, 2, 3, 4});
  c.target = BytesOf<float>({0, 0, 0, 0});
  c.mask = {1, 0, 1, 1};
  const auto result = Loss(c);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->loss, (1 + 9 + 16) / 3.0);
  EXPECT_EQ(result->count, 3);
}

INSTANTIATE_TEST_SUITE_P(Backends, ReconstructionLossTest, ::testing::ValuesIn(TensorBackends()),
                         TensorBackendName);

}  // namespace
}  // namespace maskd
