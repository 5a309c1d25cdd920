#include "kernels/tensor_plans.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/tensor/expect_refused.h"

namespace maskd {
namespace {

const std::string kHugeName = std::to_string(kHuge);

absl::StatusOr<RestorePlan> PlanRestore(const Shape& kept_shape, const Shape& ids_shape,
                                        std::int64_t num_prefix) {
  return MakeRestorePlan(kept_shape, 4, ids_shape, IdsType::kInt32, num_prefix);
}

TEST(RestorePlanTest, HasEverySize) {
  const auto plan = PlanRestore({5, 2 + 3, 7, 11}, {5, 13}, 2);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->batch_size, 5);
  EXPECT_EQ(plan->sequence_length, 13);
  EXPECT_EQ(plan->num_keep, 3);
  EXPECT_EQ(plan->num_prefix, 2);
  EXPECT_EQ(plan->token_bytes, 7 * 11 * 4);
  EXPECT_EQ(plan->kept_bytes(), 5 * 5 * 308);
  EXPECT_EQ(plan->restored_bytes(), 5 * 15 * 308);
}

TEST(RestorePlanTest, RefusesWhatBreaksARule) {
  ExpectRefused(PlanRestore({5}, {5, 13}, 0), {"[5]"});
  ExpectRefused(PlanRestore({5, 3, 7}, {5}, 0), {"ids_restore [5]"});
  ExpectRefused(PlanRestore({5, 3, 7}, {5, 13, 17}, 0), {"17"});
  ExpectRefused(PlanRestore({5, 3, 7}, {77, 13}, 0), {"77"});
  ExpectRefused(PlanRestore({5, 14, 7}, {5, 13}, 0), {"14"});
  ExpectRefused(PlanRestore({5, 77, 7}, {5, 13}, 1), {"77"});
  ExpectRefused(PlanRestore({5, 3, 7}, {5, 13}, -77), {"num_prefix is -77"});
  ExpectRefused(PlanRestore({5, 3, 7}, {5, 13}, 4), {"num_prefix is 4"});
  ExpectRefused(PlanRestore({5, 3, -77}, {5, 13}, 0), {"-77"});
  ExpectRefused(PlanRestore({5, 3, 7}, {5, -77}, 0), {"-77"});
  ExpectRefused(PlanRestore({1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1}, 0), {"9 dimensions"});
  ExpectRefused(PlanRestore({5, 3, kHuge, kHuge}, {5, 13}, 0), {kHugeName});
  ExpectRefused(PlanRestore({5, 3, 7}, {5, kHuge}, 0), {kHugeName});
  // 2^64 bytes when they are restored, 0 in 64 bits.
  ExpectRefused(PlanRestore({1 << 22, 0, 1 << 20}, {1 << 22, 1 << 20}, 0), {"1048576"});
  ExpectRefused(MakeRestorePlan({5, 3}, 0, {5, 13}, IdsType::kInt64, 0), {"0 bytes"});
  ExpectRefused(MakeRestorePlan({5, 3}, -77, {5, 13}, IdsType::kInt64, 0), {"-77 bytes"});
}

absl::StatusOr<SelectPlan> PlanSelect(const Shape& input_shape, const Shape& mask_shape) {
  return MakeSelectPlan(input_shape, 4, mask_shape, BooleanType::kUint8);
}

TEST(SelectPlanTest, HasStridesOfABroadcastMask) {
  const auto plan = PlanSelect({2, 3, 5, 7}, {3, 1, 7});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->shape, (Shape{2, 3, 5, 7}));
  EXPECT_EQ(plan->mask_strides, (std::vector<std::int64_t>{0, 7, 0, 1}));
  EXPECT_EQ(plan->mask_count, 21);
}

TEST(SelectPlanTest, RefusesWhatBreaksARule) {
  ExpectRefused(PlanSelect({2, 3, 5}, {77}), {"77"});
  ExpectRefused(PlanSelect({2, 3, 5}, {2, 3}), {"[2, 3]"});
  ExpectRefused(PlanSelect({2, 3, 1}, {2, 3, 77}), {"77"});  // the input is not broadcast
  ExpectRefused(PlanSelect({2, 3}, {77, 2, 3}), {"77"});
  ExpectRefused(PlanSelect({2, 3}, {2, 0}), {"[2, 0]"});
  ExpectRefused(PlanSelect({2, -77}, {1}), {"-77"});
  ExpectRefused(PlanSelect({2, 3}, {-77}), {"-77"});
  ExpectRefused(PlanSelect(Shape(9, 1), {1}), {"9 dimensions"});
  ExpectRefused(PlanSelect({kHuge, kHuge}, {1}), {kHugeName});
  ExpectRefused(MakeSelectPlan({2, 3}, 0, {3}, BooleanType::kUint8), {"0 bytes"});
  ExpectRefused(MakeSelectPlan({2, 3}, -77, {3}, BooleanType::kUint8), {"-77 bytes"});
}

PadSpec ValidPadSpec() {
  return {.values_shape = {9, 7}, .element_bytes = 4, .lengths = {2, 0, 7}, .time_major = true};
}

template <typename Change>
absl::StatusOr<PadPlan> PlanPadWith(const Change& change) {
  PadSpec spec = ValidPadSpec();
  change(spec);
  return MakePadPlan(spec);
}

TEST(PadPlanTest, HasEverySize) {
  const auto plan = MakePadPlan(ValidPadSpec());
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->lengths, (std::vector<std::int64_t>{2, 0, 7}));
  EXPECT_EQ(plan->padded_length, 7);
  EXPECT_EQ(plan->row_bytes, 28);
  EXPECT_EQ(plan->padded_shape, (Shape{7, 3, 7}));
  EXPECT_EQ(plan->mask_shape, (Shape{7, 3}));
  EXPECT_EQ(PlanPadWith([](PadSpec& spec) { spec.time_major = false; })->padded_shape, (Shape{3, 7, 7}));
  EXPECT_EQ(PlanPadWith([](PadSpec& spec) { spec.padded_length = 10; })->padded_shape, (Shape{10, 3, 7}));
}

TEST(PadPlanTest, RefusesWhatBreaksARule) {
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.values_shape = {}; }), {"[]"});
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.values_shape = {77, 7}; }), {"77"});
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.values_shape = {9, -77}; }), {"-77"});
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.lengths = {9, -77, 77}; }), {"-77"});
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.lengths = {2, 7, 77}; }), {"77"});
  ExpectRefused(PlanPadWith([](PadSpec& spec) {
                  spec.lengths = {INT64_MAX, INT64_MAX, 11};
                }),
                {std::to_string(INT64_MAX)});  // 9 in 64 bits
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.padded_length = 6; }), {"padded_length is 6"});
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.padded_length = -77; }), {"padded_length is -77"});
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.padded_length = std::int64_t{1} << 61; }),
                {std::to_string(std::int64_t{1} << 61)});
  ExpectRefused(PlanPadWith([](PadSpec& spec) {  // either fits, and both do not
                  spec.values_shape = {1};
                  spec.lengths = {1};
                  spec.padded_length = std::int64_t{1} << 60;
                }),
                {"more than 2^62 bytes"});
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.element_bytes = 0; }), {"0 bytes"});
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.element_bytes = -77; }), {"-77 bytes"});
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.mask_type = MaskType::kPackedBits; }), {"packed bits"});
  ExpectRefused(PlanPadWith([](PadSpec& spec) { spec.values_shape = {9, 1, 1, 1, 1, 1, 1, 1}; }),
                {"[9, 1, 1, 1, 1, 1, 1, 1]"});
}

}  // namespace
}  // namespace maskd
