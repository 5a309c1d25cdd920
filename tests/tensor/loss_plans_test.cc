#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "kernels/tensor_plans.h"
#include "tests/tensor/expect_refused.h"

namespace maskd {
namespace {

struct NllSpec {
  Shape scores_shape = {5, 7, 11};
  FloatType score_type = FloatType::kFloat32;
  ScoreKind kind = ScoreKind::kLogits;
  Shape target_shape = {5, 7};
  IdsType target_type = IdsType::kInt64;
  Shape mask_shape = {5, 7};
  BooleanType mask_type = BooleanType::kUint8;
};

template <typename Change>
absl::StatusOr<NllPlan> PlanNllWith(const Change& change) {
  NllSpec s;
  change(s);
  return MakeNllPlan(s.scores_shape, s.score_type, s.kind, s.target_shape, s.target_type, s.mask_shape,
                     s.mask_type);
}

TEST(NllPlanTest, HasEverySize) {
  const auto plan = PlanNllWith([](NllSpec&) {});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->positions, 35);
  EXPECT_EQ(plan->num_classes, 11);
  EXPECT_EQ(plan->kind, ScoreKind::kLogits);
}

TEST(NllPlanTest, RefusesWhatBreaksARule) {
  ExpectRefused(PlanNllWith([](NllSpec& s) { s.scores_shape = s.target_shape = s.mask_shape = {}; }), {"[]"});
  ExpectRefused(PlanNllWith([](NllSpec& s) { s.target_shape = {5, 77}; }), {"77"});
  ExpectRefused(PlanNllWith([](NllSpec& s) { s.target_shape = {35}; }), {"35"});
  ExpectRefused(PlanNllWith([](NllSpec& s) { s.target_shape = {5, 7, 1}; }), {"[5, 7, 1]"});
  ExpectRefused(PlanNllWith([](NllSpec& s) { s.mask_shape = {5, 77}; }), {"77"});
  ExpectRefused(PlanNllWith([](NllSpec& s) { s.mask_shape = {5, 1}; }), {"[5, 1]"});  // no broadcast
  ExpectRefused(PlanNllWith([](NllSpec& s) { s.scores_shape = {5, 7, -77}; }), {"-77"});
  ExpectRefused(PlanNllWith([](NllSpec& s) { s.scores_shape = Shape(9, 1); }), {"9 dimensions"});
  ExpectRefused(PlanNllWith([](NllSpec& s) {
                  s.scores_shape = {kHuge, 7, kHuge};
                  s.target_shape = s.mask_shape = {kHuge, 7};
                }),
                {std::to_string(kHuge)});
}

// Two samples of three channels, 4 by 6 in patches of 2.
ReconstructionSpec ImageSpec(ImageLayout layout) {
  return {.prediction_shape = {2, 6, 12},
          .target_shape = layout == ImageLayout::kTokens          ? Shape{2, 6, 12}
                          : layout == ImageLayout::kChannelsFirst ? Shape{2, 3, 4, 6}
                                                                  : Shape{2, 4, 6, 3},
          .target_layout = layout,
          .patch_size = layout == ImageLayout::kTokens ? 0 : 2,
          .mask_shape = {2, 6}};
}

template <typename Change>
absl::StatusOr<ReconstructionPlan> PlanWith(ImageLayout layout, const Change& change) {
  ReconstructionSpec spec = ImageSpec(layout);
  change(spec);
  return MakeReconstructionPlan(spec);
}

TEST(ReconstructionPlanTest, KnowsWhereElementsOfATokenAre) {
  const auto tokens = MakeReconstructionPlan(ImageSpec(ImageLayout::kTokens));
  const auto first = MakeReconstructionPlan(ImageSpec(ImageLayout::kChannelsFirst));
  const auto last = MakeReconstructionPlan(ImageSpec(ImageLayout::kChannelsLast));
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(first->image_size, 72);
  EXPECT_EQ(last->image_size, 72);
  // Token 4, element 7: patch row 1, column 1, inside it row 1, column 0, channel 1.
  EXPECT_EQ(tokens->TargetIndex(4, 7), 4 * 12 + 7);
  EXPECT_EQ(first->TargetIndex(4, 7), (1 * 4 + 3) * 6 + 2);
  EXPECT_EQ(last->TargetIndex(4, 7), (3 * 6 + 2) * 3 + 1);
}

TEST(ReconstructionPlanTest, RefusesTokensThatBreakARule) {
  using Spec = ReconstructionSpec;
  const auto plan = [](const auto& change) { return PlanWith(ImageLayout::kTokens, change); };
  ExpectRefused(plan([](Spec& s) { s.prediction_shape = {2, 72}; }), {"[2, 72]"});
  ExpectRefused(plan([](Spec& s) { s.prediction_shape = {2, 6, 12, 1}; }), {"[2, 6, 12, 1]"});
  ExpectRefused(plan([](Spec& s) { s.prediction_shape = {2, 6, -77}; }), {"-77"});
  ExpectRefused(plan([](Spec& s) { s.target_shape = {77, 6, 12}; }), {"77"});
  ExpectRefused(plan([](Spec& s) { s.target_shape = {2, 77, 12}; }), {"77"});
  ExpectRefused(plan([](Spec& s) { s.target_shape = {2, 6, 77}; }), {"77"});
  ExpectRefused(plan([](Spec& s) { s.target_shape = {2, 72}; }), {"[2, 72]"});
  ExpectRefused(plan([](Spec& s) { s.mask_shape = {2, 77}; }), {"77"});
  ExpectRefused(plan([](Spec& s) { s.mask_shape = {12}; }), {"[12]"});
  ExpectRefused(plan([](Spec& s) { s.mask_shape = {2, 6, 1}; }), {"[2, 6, 1]"});
  ExpectRefused(plan([](Spec& s) {
                  s.prediction_shape = s.target_shape = {2, kHuge, kHuge};
                }),
                {std::to_string(kHuge)});
}

TEST(ReconstructionPlanTest, RefusesImagesThatBreakARule) {
  using Spec = ReconstructionSpec;
  const auto plan = [](const auto& change) { return PlanWith(ImageLayout::kChannelsFirst, change); };
  ExpectRefused(plan([](Spec& s) { s.patch_size = 0; }), {"patch_size is 0"});
  ExpectRefused(plan([](Spec& s) { s.patch_size = -2; }), {"patch_size is -2"});
  ExpectRefused(plan([](Spec& s) { s.patch_size = 3; }), {"patch_size is 3"});
  ExpectRefused(plan([](Spec& s) { s.patch_size = 77; }), {"77"});
  ExpectRefused(plan([](Spec& s) { s.patch_size = std::int64_t{1} << 32; }), {"4294967296"});
  ExpectRefused(plan([](Spec& s) { s.target_shape = {2, 6, 12}; }), {"[2, 6, 12]"});
  ExpectRefused(plan([](Spec& s) { s.target_shape = {77, 3, 4, 6}; }), {"77"});
  ExpectRefused(plan([](Spec& s) { s.target_shape = {2, 77, 4, 6}; }), {"308"});
  ExpectRefused(plan([](Spec& s) { s.target_shape = {2, 3, 5, 6}; }), {"[2, 3, 5, 6]"});
  ExpectRefused(plan([](Spec& s) { s.target_shape = {2, 3, 4, 7}; }), {"[2, 3, 4, 7]"});
  ExpectRefused(plan([](Spec& s) { s.target_shape = {2, 3, 4, 78}; }), {"78"});
  // Channels last, though it is said to be first.
  ExpectRefused(plan([](Spec& s) { s.target_shape = {2, 4, 6, 3}; }), {"[2, 4, 6, 3]"});
}

}  // namespace
}  // namespace maskd
