// What torch leaves undefined, or to rounding, worked out by hand.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/float_types.h"
#include "tests/tensor/array_bytes.h"
#include "tests/tensor/tensor_backends.h"
#include "tests/tensor/tensor_calls.h"

namespace maskd {
namespace {

class ScatterTest : public TensorBackendTest {
 protected:
  // Of one dimension.
  static IndexPlan PlanOf(std::int64_t input_size, std::int64_t index_size, std::int64_t element_bytes) {
    return *MakeIndexPlan(
        {.input_shape = {input_size}, .index_shape = {index_size}, .dim = 0, .element_bytes = element_bytes});
  }

  Bytes Added(FloatType type, const Bytes& input, const std::vector<std::int64_t>& index, const Bytes& src) {
    const std::int64_t bytes = FloatBytes(type);
    const IndexPlan plan = PlanOf(std::ssize(input) / bytes, std::ssize(index), bytes);
    return ScatterAdd(*ops_, plan, type, input, BytesOf(index), src).value();
  }
};

TEST_P(ScatterTest, LastOfDuplicatesWins) {
  const auto output =
      Scatter(*ops_, PlanOf(4, 6, 4), 4, BytesOf<std::int32_t>({10, 11, 12, 13}),
              BytesOf<std::int64_t>({2, 0, 2, 0, 2, 3}), BytesOf<std::int32_t>({1, 2, 3, 4, 5, 6}));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(ValuesOf<std::int32_t>(*output), (std::vector<std::int32_t>{4, 11, 5, 6}));
}

// Row-major order of src decides, not the order along dim.
TEST_P(ScatterTest, LastInRowMajorOrderWinsAlongTheFirstDim) {
  const auto plan =
      MakeIndexPlan({.input_shape = {2, 2}, .index_shape = {3, 2}, .dim = 0, .element_bytes = 2});
  ASSERT_TRUE(plan.ok()) << plan.status();
  const auto output =
      Scatter(*ops_, *plan, 2, BytesOf<std::int16_t>({90, 91, 92, 93}),
              BytesOf<std::int64_t>({1, 0, 1, 0, 0, 0}), BytesOf<std::int16_t>({1, 2, 3, 4, 5, 6}));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(ValuesOf<std::int16_t>(*output), (std::vector<std::int16_t>{5, 6, 3, 93}));
}

TEST_P(ScatterTest, SumsFloat32InRowMajorOrder) {
  // 2^24 + 1 is 2^24 in float32: each order has its own sum.
  const std::vector<std::int64_t> index = {1, 1, 1};
  const Bytes input = BytesOf<float>({7, 0});
  EXPECT_EQ(ValuesOf<float>(Added(FloatType::kFloat32, input, index, BytesOf<float>({0x1p24f, 1, -0x1p24f}))),
            (std::vector<float>{7, 0}));
  EXPECT_EQ(ValuesOf<float>(Added(FloatType::kFloat32, input, index, BytesOf<float>({0x1p24f, -0x1p24f, 1}))),
            (std::vector<float>{7, 1}));
  // What is there already comes first.
  EXPECT_EQ(ValuesOf<float>(
                Added(FloatType::kFloat32, BytesOf<float>({1}), {0, 0}, BytesOf<float>({0x1p24f, -0x1p24f}))),
            (std::vector<float>{0}));
}

TEST_P(ScatterTest, SumsFloat64InDouble) {
  const Bytes output =
      Added(FloatType::kFloat64, BytesOf<double>({0}), {0, 0, 0}, BytesOf<double>({0x1p24, 1, -0x1p24}));
  EXPECT_EQ(ValuesOf<double>(output), (std::vector<double>{1}));
}

// Rounded after each step, 2048 + 1 + 1 would stay 2048 in float16, and 256 + 1
// + 1 in bfloat16.
TEST_P(ScatterTest, RoundsNarrowSumsOnce) {
  const Bytes half = Added(FloatType::kFloat16, FloatsOf(FloatType::kFloat16, {2048}), {0, 0},
                           FloatsOf(FloatType::kFloat16, {1, 1}));
  EXPECT_EQ(DoublesOf(FloatType::kFloat16, half), (std::vector<double>{2050}));
  const Bytes bfloat = Added(FloatType::kBfloat16, FloatsOf(FloatType::kBfloat16, {256}), {0, 0},
                             FloatsOf(FloatType::kBfloat16, {1, 1}));
  EXPECT_EQ(DoublesOf(FloatType::kBfloat16, bfloat), (std::vector<double>{258}));
}

// Ties go to even: 2048 + 1 is 2048, 2050 + 1 is 2052.
TEST_P(ScatterTest, RoundsNarrowSumsToEven) {
  const Bytes output = Added(FloatType::kFloat16, FloatsOf(FloatType::kFloat16, {2048, 2050}), {0, 1},
                             FloatsOf(FloatType::kFloat16, {1, 1}));
  EXPECT_EQ(DoublesOf(FloatType::kFloat16, output), (std::vector<double>{2048, 2052}));
}

// A partial sum beyond float16's largest is no infinity.
TEST_P(ScatterTest, HasTheRangeOfFloat32WhileItSums) {
  const Bytes output = Added(FloatType::kFloat16, FloatsOf(FloatType::kFloat16, {60000}), {0, 0},
                             FloatsOf(FloatType::kFloat16, {60000, -60000}));
  EXPECT_EQ(DoublesOf(FloatType::kFloat16, output), (std::vector<double>{60000}));
}

// Signalling NaNs and -0 of places that nothing is added to.
TEST_P(ScatterTest, LeavesOtherPlacesTheirBits) {
  const std::vector<std::uint16_t> narrow = {0x7c01, 0xfc01, 0x8000, 0x3c00, 0x7f81, 0xff81};
  for (const FloatType type : {FloatType::kFloat16, FloatType::kBfloat16}) {
    const Bytes output = Added(type, BytesOf(narrow), {3}, FloatsOf(type, {0}));
    EXPECT_EQ(ValuesOf<std::uint16_t>(output), narrow);
  }
  const std::vector<std::uint32_t> bits = {0x7f800001, 0xff800001, 0x80000000, 0x3f800000};
  EXPECT_EQ(ValuesOf<std::uint32_t>(Added(FloatType::kFloat32, BytesOf(bits), {3}, BytesOf<float>({0}))),
            bits);
}

TEST_P(ScatterTest, AddsNanAndInfinity) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const FloatType type :
       {FloatType::kFloat32, FloatType::kFloat16, FloatType::kBfloat16, FloatType::kFloat64}) {
    const Bytes output = Added(type, FloatsOf(type, {1, infinity, std::nan(""), 2}), {0, 1, 2, 3},
                               FloatsOf(type, {infinity, -infinity, 1, std::nan("")}));
    const std::vector<double> values = DoublesOf(type, output);
    EXPECT_EQ(values[0], infinity);
    for (const std::size_t i : {1u, 2u, 3u}) EXPECT_TRUE(std::isnan(values[i])) << i << ": " << values[i];
  }
}

// What devices make of a NaN differs; the result has one form of it.
TEST_P(ScatterTest, NanIsCanonical) {
  const std::vector<std::int64_t> index = {0, 1, 2};
  const float infinity = std::numeric_limits<float>::infinity();
  const auto nan = [](std::uint32_t bits) { return std::bit_cast<float>(bits); };
  const Bytes single = Added(FloatType::kFloat32, BytesOf<float>({nan(0xffc00007), 1, infinity}), index,
                             BytesOf<float>({nan(0x7fc00123), nan(0xffa00001), -infinity}));
  EXPECT_EQ(ValuesOf<std::uint32_t>(single), std::vector<std::uint32_t>(3, 0x7fc00000));
  const auto wide = [](std::uint64_t bits) { return std::bit_cast<double>(bits); };
  const Bytes twice = Added(FloatType::kFloat64, BytesOf<double>({wide(0xfff8000000000007), 1, 2}), index,
                            BytesOf<double>({1, wide(0xfff0000000000001), wide(0x7ff8000000000001)}));
  EXPECT_EQ(ValuesOf<std::uint64_t>(twice), std::vector<std::uint64_t>(3, 0x7ff8000000000000));
  const Bytes half = Added(FloatType::kFloat16, BytesOf<std::uint16_t>({0xfe01, 0x7c00, 0}), index,
                           BytesOf<std::uint16_t>({0, 0xfc00, 0xfd55}));
  EXPECT_EQ(ValuesOf<std::uint16_t>(half), std::vector<std::uint16_t>(3, 0x7e00));
  const Bytes bfloat = Added(FloatType::kBfloat16, BytesOf<std::uint16_t>({0xffc1, 0x7f80, 0}), index,
                             BytesOf<std::uint16_t>({0, 0xff80, 0xffa5}));
  EXPECT_EQ(ValuesOf<std::uint16_t>(bfloat), std::vector<std::uint16_t>(3, 0x7fc0));
}

// -0 + 0 is 0: a place that zero is added to is written.
TEST_P(ScatterTest, AddsZeros) {
  for (const FloatType type :
       {FloatType::kFloat32, FloatType::kFloat16, FloatType::kBfloat16, FloatType::kFloat64}) {
    const Bytes output = Added(type, FloatsOf(type, {-0.0, -0.0, -0.0}), {0, 1}, FloatsOf(type, {0.0, -0.0}));
    EXPECT_TRUE(output == FloatsOf(type, {0.0, -0.0, -0.0}));
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, ScatterTest, ::testing::ValuesIn(TensorBackends()), TensorBackendName);

}  // namespace
}  // namespace maskd
