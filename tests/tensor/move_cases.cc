#include "tests/tensor/move_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "tests/tensor/index_cases.h"
#include "tests/tensor/tensor_calls.h"

namespace maskd {
namespace {

// The last `shape.size() - first` sizes.
Shape From(const Shape& shape, std::int64_t first) { return {shape.begin() + first, shape.end()}; }

std::optional<Bytes> SomeBytesOrNone(std::int64_t count, RandomSource& random) {
  if (random.OneIn(3)) return std::nullopt;
  return random.SomeBytes(count);
}

// Token t of sample n of [N, T, token].
Bytes TokenAt(const Bytes& tokens, std::int64_t token_bytes, std::int64_t T, std::int64_t n, std::int64_t t) {
  return Elements(tokens, token_bytes, n * T + t);
}

// The element of a mask that is broadcast to `coordinates`: as numpy does, sizes
// are matched from the last on.
std::int64_t BroadcastElement(const Shape& mask_shape, const Shape& coordinates) {
  Shape own = From(coordinates, std::ssize(coordinates) - std::ssize(mask_shape));
  for (std::size_t d = 0; d < own.size(); ++d) own[d] = std::min(own[d], mask_shape[d] - 1);
  return ElementAt(mask_shape, own);
}

std::int64_t PaddedLength(const PadSpec& spec) {
  if (spec.padded_length != 0) return spec.padded_length;
  return spec.lengths.empty() ? 0 : *std::max_element(spec.lengths.begin(), spec.lengths.end());
}

}  // namespace

std::int64_t RestoreCase::token_bytes() const { return Product(From(kept_shape, 2)) * element_bytes; }

std::ostream& operator<<(std::ostream& out, const RestoreCase& c) {
  return out << "kept " << ShapeName(c.kept_shape) << " of " << c.element_bytes << " bytes, ids "
             << ShapeName(c.ids_shape) << " of type " << static_cast<int>(c.ids_type) << ", num_prefix "
             << c.num_prefix;
}

std::ostream& operator<<(std::ostream& out, const SelectCase& c) {
  return out << "input " << ShapeName(c.input_shape) << " of " << c.element_bytes << " bytes, mask "
             << ShapeName(c.mask_shape) << " of type " << static_cast<int>(c.mask_type);
}

std::ostream& operator<<(std::ostream& out, const PadCase& c) {
  return out << "values " << ShapeName(c.spec.values_shape) << " of " << c.spec.element_bytes
             << " bytes, lengths " << ShapeName(c.spec.lengths) << ", padded_length " << c.spec.padded_length
             << ", time_major " << c.spec.time_major;
}

RestoreCase RandomRestoreCase(RandomSource& random) {
  const std::int64_t N = random.OneIn(20) ? 0 : random.Between(1, 4);
  const std::int64_t L = random.OneIn(20) ? 0 : random.Between(1, 12);
  RestoreCase c;
  c.num_prefix = random.OneIn(2) ? 0 : random.Between(1, 3);
  c.kept_shape = {N, c.num_prefix + random.Between(0, L)};
  for (std::int64_t d = random.Between(0, 3); d > 0; --d) c.kept_shape.push_back(random.Between(1, 3));
  c.element_bytes = random.SomeElementBytes();
  c.ids_shape = {N, L};
  c.ids_type = random.OneOf<IdsType>({IdsType::kInt64, IdsType::kInt32, IdsType::kUint16});
  return c;
}

SelectCase RandomSelectCase(RandomSource& random) {
  SelectCase c;
  c.input_shape = random.SomeShape(random.Between(0, 8));
  c.element_bytes = random.SomeElementBytes();
  c.mask_shape = From(c.input_shape, random.OneIn(3) ? random.Between(0, std::ssize(c.input_shape)) : 0);
  for (std::int64_t& size : c.mask_shape) {
    if (random.OneIn(3)) size = 1;
  }
  c.mask_type = random.OneIn(2) ? BooleanType::kUint8 : BooleanType::kFloat32;
  return c;
}

PadCase RandomPadCase(RandomSource& random) {
  PadCase c;
  for (std::int64_t b = random.OneIn(20) ? 0 : random.Between(1, 6); b > 0; --b)
    c.spec.lengths.push_back(random.Between(0, 6));
  const std::int64_t steps = std::accumulate(c.spec.lengths.begin(), c.spec.lengths.end(), std::int64_t{0});
  c.spec.values_shape = {steps};
  for (std::int64_t d = random.Between(0, 6); d > 0; --d) {
    c.spec.values_shape.push_back(random.OneIn(30) ? 0 : random.Between(1, 2));
  }
  c.spec.element_bytes = random.SomeElementBytes();
  c.spec.time_major = random.OneIn(2);
  if (random.OneIn(2)) c.spec.padded_length = PaddedLength(c.spec) + random.Between(0, 3);
  c.spec.mask_type = random.OneIn(2) ? MaskType::kFloat32 : MaskType::kUint8;
  return c;
}

void Fill(RestoreCase& c, RandomSource& random) {
  c.kept = random.SomeBytes(Product(c.kept_shape) * c.element_bytes);
  c.ids_restore.clear();
  for (std::int64_t n = 0; n < c.ids_shape[0]; ++n) {
    const std::vector<std::int64_t> row = random.Permutation(c.ids_shape[1]);
    c.ids_restore.insert(c.ids_restore.end(), row.begin(), row.end());
  }
  c.fill = SomeBytesOrNone(c.token_bytes(), random);
}

void Fill(SelectCase& c, RandomSource& random) {
  c.input = random.SomeBytes(Product(c.input_shape) * c.element_bytes);
  c.mask = random.SomeBooleans(Product(c.mask_shape));
}

void Fill(PadCase& c, RandomSource& random) {
  c.values = random.SomeBytes(Product(c.spec.values_shape) * c.spec.element_bytes);
  c.padding = SomeBytesOrNone(c.spec.element_bytes, random);
}

void Check(TensorOps& ops, const RestoreCase& c) {
  const auto plan = MakeRestorePlan(c.kept_shape, c.element_bytes, c.ids_shape, c.ids_type, c.num_prefix);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const std::int64_t L = c.ids_shape[1];
  const Bytes fill = c.fill.value_or(Bytes(static_cast<std::size_t>(c.token_bytes())));
  Bytes expected;
  for (std::int64_t n = 0; n < c.ids_shape[0]; ++n) {
    Bytes tokens;  // of this sample, in the order of ids_restore: kept ones, then removed ones
    for (std::int64_t t = c.num_prefix; t < c.kept_shape[1]; ++t) {
      Append(tokens, TokenAt(c.kept, c.token_bytes(), c.kept_shape[1], n, t));
    }
    while (std::ssize(tokens) < L * c.token_bytes()) Append(tokens, fill);
    for (std::int64_t p = 0; p < c.num_prefix; ++p) {
      Append(expected, TokenAt(c.kept, c.token_bytes(), c.kept_shape[1], n, p));
    }
    for (std::int64_t l = 0; l < L; ++l) {
      Append(expected, Elements(tokens, c.token_bytes(), c.ids_restore[static_cast<std::size_t>(n * L + l)]));
    }
  }
  const auto restored =
      RestoreTokens(ops, *plan, c.element_bytes, c.kept, IdsOf(c.ids_type, c.ids_restore), c.fill);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_TRUE(*restored == expected);
}

void Check(TensorOps& ops, const SelectCase& c) {
  const auto plan = MakeSelectPlan(c.input_shape, c.element_bytes, c.mask_shape, c.mask_type);
  ASSERT_TRUE(plan.ok()) << plan.status();
  Bytes expected;
  for (std::int64_t i = 0; i < Product(c.input_shape); ++i) {
    const std::int64_t m = BroadcastElement(c.mask_shape, CoordinatesOf(c.input_shape, i));
    if (c.mask[static_cast<std::size_t>(m)] == 1) Append(expected, Elements(c.input, c.element_bytes, i));
  }
  const auto selected = MaskedSelect(ops, *plan, c.input, BooleansOf(c.mask_type, c.mask));
  ASSERT_TRUE(selected.ok()) << selected.status();
  EXPECT_TRUE(*selected == expected);
}

void Check(TensorOps& ops, const PadCase& c) {
  const auto plan = MakePadPlan(c.spec);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const std::int64_t B = std::ssize(c.spec.lengths);
  const std::int64_t T = PaddedLength(c.spec);
  const Shape mask_shape = c.spec.time_major ? Shape{T, B} : Shape{B, T};
  EXPECT_EQ(plan->mask_shape, mask_shape);
  Shape padded_shape = mask_shape;
  padded_shape.insert(padded_shape.end(), c.spec.values_shape.begin() + 1, c.spec.values_shape.end());
  EXPECT_EQ(plan->padded_shape, padded_shape);

  const std::int64_t row = Product(From(c.spec.values_shape, 1));
  std::vector<int> mask;
  Bytes expected;
  for (std::int64_t i = 0; i < T * B; ++i) {
    const auto b = static_cast<std::size_t>(c.spec.time_major ? i % B : i / T);
    const std::int64_t t = c.spec.time_major ? i / B : i % T;
    const std::int64_t first =
        std::accumulate(c.spec.lengths.begin(), c.spec.lengths.begin() + std::int64_t(b), std::int64_t{0});
    mask.push_back(t < c.spec.lengths[b]);
    for (std::int64_t e = 0; e < row; ++e) {
      Append(expected, mask.back() == 1 ? Elements(c.values, c.spec.element_bytes, (first + t) * row + e)
                                        : c.padding.value_or(Bytes(std::size_t(c.spec.element_bytes))));
    }
  }
  const PaddedSequences result = PadSequences(ops, *plan, c.values, c.padding);
  EXPECT_TRUE(result.padded == expected);
  const auto type = c.spec.mask_type == MaskType::kUint8 ? BooleanType::kUint8 : BooleanType::kFloat32;
  EXPECT_TRUE(result.mask == BooleansOf(type, mask));
}

}  // namespace maskd
