#include "tests/tensor/loss_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "kernels/portable_math.h"
#include "tests/tensor/tensor_calls.h"

namespace maskd {
namespace {

// Of a row: 32 sums, of every 32nd term each, and then sums of halves of them.
double RowSum(const std::vector<double>& terms) {
  std::vector<double> sums(32);
  for (std::size_t i = 0; i < terms.size(); ++i) sums[i % 32] += terms[i];
  while (sums.size() > 1) {
    const std::size_t half = sums.size() / 2;
    for (std::size_t i = 0; i < half; ++i) sums[i] += sums[half + i];
    sums.resize(half);
  }
  return sums[0];
}

double RowMean(const std::vector<double>& terms) { return RowSum(terms) / static_cast<double>(terms.size()); }

// Over positions.
double Mean(const std::vector<double>& terms) {
  return std::accumulate(terms.begin(), terms.end(), 0.0) / static_cast<double>(terms.size());
}

// Row i of [.., width].
std::vector<double> RowOf(const std::vector<double>& values, std::size_t width, std::size_t i) {
  const auto first = values.begin() + static_cast<std::ptrdiff_t>(i * width);
  return {first, first + static_cast<std::ptrdiff_t>(width)};
}

FloatType SomeFloatType(RandomSource& random) {
  return random.OneOf<FloatType>(
      {FloatType::kFloat32, FloatType::kFloat16, FloatType::kBfloat16, FloatType::kFloat64});
}

// At least one 1.
std::vector<int> SomeMask(std::int64_t count, RandomSource& random) {
  std::vector<int> mask = random.SomeBooleans(count);
  mask[static_cast<std::size_t>(random.Between(0, count - 1))] = 1;
  return mask;
}

// -log p[target] of one position.
double NegativeLog(ScoreKind kind, const std::vector<double>& row, std::size_t target) {
  if (kind == ScoreKind::kProbabilities) return -Log(row[target]);
  if (kind == ScoreKind::kLogProbabilities) return -row[target];
  const double max = *std::max_element(row.begin(), row.end());
  std::vector<double> exponentials;
  for (const double score : row) exponentials.push_back(Exp(score - max));
  return Log(RowSum(exponentials)) + max - row[target];
}

std::vector<double> Normalized(std::vector<double> patch) {
  const double mean = RowMean(patch);
  std::vector<double> squares;
  for (const double value : patch) squares.push_back((value - mean) * (value - mean));
  const double variance = RowSum(squares) / static_cast<double>(patch.size() - 1);
  for (double& value : patch) value = (value - mean) / std::sqrt(variance + 1e-6);
  return patch;
}

}  // namespace

absl::StatusOr<NllPlan> NllCase::Plan() const {
  return MakeNllPlan(scores_shape, score_type, kind, positions_shape(), target_type, positions_shape(),
                     mask_type);
}

std::ostream& operator<<(std::ostream& out, const NllCase& c) {
  return out << "scores " << ShapeName(c.scores_shape) << " of type " << static_cast<int>(c.score_type)
             << " and kind " << static_cast<int>(c.kind);
}

std::ostream& operator<<(std::ostream& out, const ReconstructionCase& c) {
  return out << "prediction " << ShapeName(c.spec.prediction_shape) << " of type "
             << static_cast<int>(c.spec.prediction_type) << ", target " << ShapeName(c.spec.target_shape)
             << " of type " << static_cast<int>(c.spec.target_type) << " and layout "
             << static_cast<int>(c.spec.target_layout) << ", patch_size " << c.spec.patch_size
             << ", normalize_target " << c.spec.normalize_target;
}

NllCase RandomNllCase(RandomSource& random) {
  NllCase c;
  for (std::int64_t d = random.Between(0, 3); d > 0; --d) c.scores_shape.push_back(random.Between(1, 6));
  c.scores_shape.push_back(random.Between(1, 9));
  c.score_type = SomeFloatType(random);
  c.kind = ScoreKind{int(random.Between(0, 2))};
  c.target_type = random.OneIn(2) ? IdsType::kInt64 : IdsType::kInt32;
  c.mask_type = random.OneIn(2) ? BooleanType::kUint8 : BooleanType::kFloat32;
  return c;
}

ReconstructionCase RandomReconstructionCase(RandomSource& random) {
  ReconstructionCase c;
  ReconstructionSpec& spec = c.spec;
  const std::int64_t N = random.Between(1, 3);
  const std::int64_t rows = random.Between(1, 4);
  const std::int64_t columns = random.Between(1, 4);
  const std::int64_t channels = random.Between(1, 4);
  const std::int64_t patch_size = random.Between(1, 4);
  spec.prediction_shape = {N, rows * columns, patch_size * patch_size * channels};
  spec.prediction_type = SomeFloatType(random);
  spec.target_type = SomeFloatType(random);
  spec.target_layout = ImageLayout{int(random.Between(0, 2))};
  if (spec.target_layout == ImageLayout::kTokens) {
    spec.target_shape = spec.prediction_shape;
  } else {
    spec.patch_size = patch_size;
    spec.target_shape = spec.target_layout == ImageLayout::kChannelsFirst
                            ? Shape{N, channels, rows * patch_size, columns * patch_size}
                            : Shape{N, rows * patch_size, columns * patch_size, channels};
  }
  spec.mask_shape = {N, rows * columns};
  spec.mask_type = random.OneIn(2) ? BooleanType::kUint8 : BooleanType::kFloat32;
  spec.normalize_target = random.OneIn(2) && spec.prediction_shape[2] > 1;
  return c;
}

void Fill(NllCase& c, RandomSource& random) {
  const std::int64_t positions = Product(c.positions_shape());
  const std::int64_t V = c.scores_shape.back();
  c.mask = SomeMask(positions, random);
  c.target.clear();
  std::vector<double> scores;
  for (const int is_counted : c.mask) {
    c.target.push_back(is_counted == 1 ? random.Between(0, V - 1)
                                       : random.OneOf<std::int64_t>({-1, V, 9999}));
    for (double score : random.SomeNumbers(V)) {
      if (c.kind == ScoreKind::kProbabilities) score = random.OneIn(50) ? 0 : std::fabs(score);
      scores.push_back(is_counted == 1 ? score : std::numeric_limits<double>::quiet_NaN());
    }
  }
  c.scores = FloatsOf(c.score_type, scores);
}

void Fill(ReconstructionCase& c, RandomSource& random) {
  c.prediction = FloatsOf(c.spec.prediction_type, random.SomeNumbers(Product(c.spec.prediction_shape)));
  c.target = FloatsOf(c.spec.target_type, random.SomeNumbers(Product(c.spec.target_shape)));
  c.mask = SomeMask(Product(c.spec.mask_shape), random);
}

std::vector<double> ReconstructionCase::TargetTokens() const {
  const std::vector<double> values = DoublesOf(spec.target_type, target);
  if (spec.target_layout == ImageLayout::kTokens) return values;
  const bool is_first = spec.target_layout == ImageLayout::kChannelsFirst;
  const std::int64_t C = spec.target_shape[is_first ? 1 : 3];
  const std::int64_t H = spec.target_shape[is_first ? 2 : 1];
  const std::int64_t W = spec.target_shape[is_first ? 3 : 2];
  const std::int64_t p = spec.patch_size;
  std::vector<double> tokens;
  for (std::int64_t n = 0; n < spec.target_shape[0]; ++n) {
    for (std::int64_t top = 0; top < H; top += p) {
      for (std::int64_t left = 0; left < W; left += p) {
        for (std::int64_t y = top; y < top + p; ++y) {
          for (std::int64_t x = left; x < left + p; ++x) {
            for (std::int64_t c = 0; c < C; ++c) {
              const std::int64_t place =
                  is_first ? ((n * C + c) * H + y) * W + x : ((n * H + y) * W + x) * C + c;
              tokens.push_back(values[static_cast<std::size_t>(place)]);
            }
          }
        }
      }
    }
  }
  return tokens;
}

void Check(TensorOps& ops, const NllCase& c) {
  const auto plan = c.Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  const std::vector<double> scores = DoublesOf(c.score_type, c.scores);
  std::vector<double> losses;
  for (std::size_t i = 0; i < c.mask.size(); ++i) {
    if (c.mask[i] == 0) continue;
    const std::vector<double> row = RowOf(scores, static_cast<std::size_t>(c.scores_shape.back()), i);
    losses.push_back(NegativeLog(c.kind, row, static_cast<std::size_t>(c.target[i])));
  }
  const auto result =
      NllLoss(ops, *plan, c.scores, IdsOf(c.target_type, c.target), BooleansOf(c.mask_type, c.mask));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->count, std::ssize(losses));
  EXPECT_EQ(result->loss, Mean(losses));
}

void Check(TensorOps& ops, const ReconstructionCase& c) {
  const auto plan = MakeReconstructionPlan(c.spec);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const auto P = static_cast<std::size_t>(c.spec.prediction_shape[2]);
  const std::vector<double> prediction = DoublesOf(c.spec.prediction_type, c.prediction);
  const std::vector<double> target = c.TargetTokens();
  std::vector<double> losses;
  for (std::size_t i = 0; i < c.mask.size(); ++i) {
    if (c.mask[i] == 0) continue;
    const std::vector<double> predicted = RowOf(prediction, P, i);
    const std::vector<double> patch = RowOf(target, P, i);
    const std::vector<double> wanted = c.spec.normalize_target ? Normalized(patch) : patch;
    std::vector<double> squares;
    for (std::size_t p = 0; p < P; ++p) {
      squares.push_back((predicted[p] - wanted[p]) * (predicted[p] - wanted[p]));
    }
    losses.push_back(RowMean(squares));
  }
  const auto result =
      ReconstructionLoss(ops, *plan, c.prediction, c.target, BooleansOf(c.spec.mask_type, c.mask));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->count, std::ssize(losses));
  EXPECT_EQ(result->loss, Mean(losses));
}

}  // namespace maskd
