#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/tensor_plans.h"
#include "tests/tensor/expect_refused.h"

namespace maskd {
namespace {

IndexSpec ValidSpec() {
  return {.input_shape = {5, 7, 11},
          .index_shape = {5, 3, 11},
          .dim = 1,
          .index_type = IdsType::kInt64,
          .element_bytes = 4};
}

// ValidSpec with a change.
template <typename Change>
absl::StatusOr<IndexPlan> PlanWith(const Change& change) {
  IndexSpec spec = ValidSpec();
  change(spec);
  return MakeIndexPlan(spec);
}

TEST(ShapeTest, Counts) {
  EXPECT_EQ(CountOf(Shape{}), 1);
  EXPECT_EQ(CountOf(Shape{3, 5, 7}), 105);
  EXPECT_EQ(CountOf(Shape{3, 0, 7}), 0);
  EXPECT_EQ(CountOf(Shape{std::int64_t{1} << 31, std::int64_t{1} << 31}), std::int64_t{1} << 62);
  EXPECT_EQ(CountOf(Shape{std::int64_t{1} << 31, (std::int64_t{1} << 31) + 1}), -1);
  // 2^64 elements are 0 in 64 bits.
  EXPECT_EQ(CountOf(Shape{std::int64_t{1} << 32, std::int64_t{1} << 32}), -1);
  EXPECT_EQ(CountOf(Shape{std::numeric_limits<std::int64_t>::max(), 2}), -1);
}

TEST(ShapeTest, HasAName) {
  EXPECT_EQ(ShapeName(Shape{2, 3}), "[2, 3]");
  EXPECT_EQ(ShapeName(Shape{7}), "[7]");
  EXPECT_EQ(ShapeName(Shape{}), "[]");
}

TEST(FloatBytesTest, OfEachType) {
  EXPECT_EQ(FloatBytes(FloatType::kFloat32), 4);
  EXPECT_EQ(FloatBytes(FloatType::kFloat16), 2);
  EXPECT_EQ(FloatBytes(FloatType::kBfloat16), 2);
  EXPECT_EQ(FloatBytes(FloatType::kFloat64), 8);
}

TEST(IndexPlanTest, HasEverySize) {
  const auto plan = MakeIndexPlan(ValidSpec());
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->input_shape, (Shape{5, 7, 11}));
  EXPECT_EQ(plan->index_shape, (Shape{5, 3, 11}));
  EXPECT_EQ(plan->moved_shape, (Shape{5, 3, 11}));
  EXPECT_EQ(plan->dim, 1u);
  EXPECT_EQ(plan->element_bytes, 4);
  EXPECT_EQ(plan->input_count, 5 * 7 * 11);
  EXPECT_EQ(plan->index_count, 5 * 3 * 11);
  EXPECT_EQ(plan->input_bytes(), 5 * 7 * 11 * 4);
  EXPECT_EQ(plan->moved_bytes(), 5 * 3 * 11 * 4);
}

TEST(IndexPlanTest, RowsBecomeElements) {
  const auto plan = PlanWith([](IndexSpec& spec) {
    spec.index_shape = {5, 9};
    spec.index_rank = 2;
    spec.dim = -1;  // of the index
  });
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->input_shape, (Shape{5, 7}));
  EXPECT_EQ(plan->index_shape, (Shape{5, 9}));
  EXPECT_EQ(plan->moved_shape, (Shape{5, 9, 11}));
  EXPECT_EQ(plan->dim, 1u);
  EXPECT_EQ(plan->element_bytes, 44);
  EXPECT_EQ(plan->moved_bytes(), 5 * 9 * 44);
}

TEST(IndexPlanTest, TakesWhatIsAtTheEdge) {
  const Shape ones(8, 1);
  EXPECT_TRUE(PlanWith([](IndexSpec& spec) { spec.dim = -3; }).ok());
  EXPECT_TRUE(PlanWith([](IndexSpec& spec) { spec.index_shape = {5, 100, 11}; }).ok());
  EXPECT_TRUE(PlanWith([](IndexSpec& spec) { spec.index_shape = {0, 3, 11}; }).ok());
  EXPECT_TRUE(PlanWith([](IndexSpec& spec) { spec.input_shape = {5, 0, 11}; }).ok());
  EXPECT_TRUE(PlanWith([](IndexSpec& spec) { spec.element_bytes = 1; }).ok());
  EXPECT_TRUE(PlanWith([&](IndexSpec& spec) { spec.input_shape = spec.index_shape = ones; }).ok());
}

struct Refusal {
  std::string name;
  std::function<void(IndexSpec&)> change;
  std::string value;  // in the message

  friend std::ostream& operator<<(std::ostream& out, const Refusal& refusal) { return out << refusal.name; }
};

class IndexPlanRefusalTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(IndexPlanRefusalTest, NamesTheValue) {
  ExpectRefused(PlanWith(GetParam().change), {GetParam().value});
}

std::vector<Refusal> Refusals() {
  return {
      {"DimBelow", [](IndexSpec& spec) { spec.dim = -4; }, "dim is -4"},
      {"DimAbove", [](IndexSpec& spec) { spec.dim = 3; }, "dim is 3"},
      {"DimFarAbove", [](IndexSpec& spec) { spec.dim = 4294967296; }, "dim is 4294967296"},
      {"DimOfTheInputAlone",
       [](IndexSpec& spec) {
         spec.index_shape = {5, 3};
         spec.index_rank = 2;
         spec.dim = -3;
       },
       "dim is -3"},
      {"DimOfNoSizes",
       [](IndexSpec& spec) { spec = {.input_shape = {}, .index_shape = {}, .element_bytes = 4}; },
       "no dimension"},
      {"IndexOfFewerSizes",
       [](IndexSpec& spec) {
         spec.index_shape = {5, 13};
       },
       "[5, 13]"},
      {"IndexOfMoreSizes",
       [](IndexSpec& spec) {
         spec.index_shape = {5, 3, 11, 1};
       },
       "[5, 3, 11, 1]"},
      {"IndexLargerBeforeDim",
       [](IndexSpec& spec) {
         spec.index_shape = {6, 3, 11};
       },
       "[6, 3, 11]"},
      {"IndexLargerAfterDim",
       [](IndexSpec& spec) {
         spec.index_shape = {5, 3, 12};
       },
       "[5, 3, 12]"},
      {"IndexLargerThanNothing",
       [](IndexSpec& spec) {
         spec.input_shape = {0, 7, 11};
       },
       "[0, 7, 11]"},
      {"ElementBytesZero", [](IndexSpec& spec) { spec.element_bytes = 0; }, "0 bytes"},
      {"ElementBytesNegative", [](IndexSpec& spec) { spec.element_bytes = -77; }, "-77 bytes"},
      {"ElementBytesAboveSixteen", [](IndexSpec& spec) { spec.element_bytes = 17; }, "17 bytes"},
      {"IndexRankNegative", [](IndexSpec& spec) { spec.index_rank = -77; }, "index_rank is -77"},
      {"IndexRankIsNotItsRank",
       [](IndexSpec& spec) {
         spec.index_shape = {5, 13};
         spec.index_rank = 1;
       },
       "index_rank is 1"},
      {"IndexRankAboveTheInput",
       [](IndexSpec& spec) {
         spec.index_shape = {5, 3, 11, 13};
         spec.index_rank = 4;
       },
       "index_rank is 4"},
      {"InputSizeNegative",
       [](IndexSpec& spec) {
         spec.input_shape = {5, -77, 11};
       },
       "-77"},
      {"IndexSizeNegative",
       [](IndexSpec& spec) {
         spec.index_shape = {5, -77, 11};
       },
       "-77"},
      {"InputOfNineSizes",
       [](IndexSpec& spec) {
         spec.input_shape = Shape(9, 1);
         spec.index_shape = {1, 1};
         spec.index_rank = 2;
       },
       "9 dimensions"},
      {"IndexOfNineSizes", [](IndexSpec& spec) { spec.input_shape = spec.index_shape = Shape(9, 1); },
       "9 dimensions"},
      {"InputTooManyElements",
       [](IndexSpec& spec) {
         spec.input_shape = {kHuge, 7, kHuge};
       },
       std::to_string(kHuge)},
      {"IndexTooManyElements",
       [](IndexSpec& spec) {
         spec.input_shape = {5, 7, kHuge};
         spec.index_shape = {5, kHuge, kHuge};
       },
       std::to_string(kHuge)},
      {"InputTooManyBytes",
       [](IndexSpec& spec) {
         spec.input_shape = {kHuge, 7, std::int64_t{1} << 18};
         spec.element_bytes = 16;
       },
       std::to_string(kHuge)},
      {"MovedTooManyBytes",
       [](IndexSpec& spec) {
         spec.input_shape = {5, 1, kHuge};
         spec.index_shape = {1, std::int64_t{1} << 22};
         spec.index_rank = 2;
       },
       std::to_string(std::int64_t{1} << 22)},
  };
}

std::string RefusalName(const ::testing::TestParamInfo<Refusal>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Rules, IndexPlanRefusalTest, ::testing::ValuesIn(Refusals()), RefusalName);

TEST(IndexOutOfRangeTest, NamesPositionValueAndSize) {
  const auto plan = MakeIndexPlan(ValidSpec());
  ASSERT_TRUE(plan.ok()) << plan.status();
  ExpectRefused(IndexOutOfRange(*plan, 123, 4711), {"index[3, 2, 2]", "4711", "7"});
  ExpectRefused(IndexOutOfRange(*plan, 0, std::numeric_limits<std::int64_t>::min()),
                {"-9223372036854775808"});
}

}  // namespace
}  // namespace maskd
