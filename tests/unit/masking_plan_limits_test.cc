// The sizes that a plan computes, and sizes that no int64 holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "kernels/masking_plan.h"
#include "tests/contract/masking_case.h"

namespace maskd {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t TwoTo(int exponent) { return std::int64_t{1} << exponent; }

MaskingSpec AllResultsSpec() {
  return {.batch_size = 3,
          .sequence_length = 13,
          .token_type = TokenType{.token_dim = 5, .element_bytes = 2},
          .num_keep = 4,
          .selection = kAllResults};
}

MaskingPlan PlanOrDie(const MaskingSpec& spec) { return MakeMaskingPlan(spec).value(); }

TEST(MaskingPlanSizesTest, OfEveryResult) {
  const MaskingPlan plan = PlanOrDie(AllResultsSpec());
  EXPECT_EQ(plan.token_bytes, 10);
  EXPECT_EQ(plan.tokens_bytes, 3 * 13 * 10);
  EXPECT_EQ(plan.num_keep, 4);
  EXPECT_EQ(plan.result_bytes.kept_tokens, 3 * 4 * 10);
  EXPECT_EQ(plan.result_bytes.mask, 3 * 13 * 4);
  EXPECT_EQ(plan.result_bytes.ids_restore, 3 * 13 * 8);
  EXPECT_EQ(plan.result_bytes.ids_keep, 3 * 4 * 8);
  EXPECT_EQ(plan.result_bytes.ids_mask, 3 * 9 * 8);
  EXPECT_EQ(plan.result_bytes.noise, 3 * 13 * 4);
  EXPECT_EQ(plan.result_bytes.total(), 120 + 156 + 312 + 96 + 216 + 156);
}

TEST(MaskingPlanSizesTest, OfNarrowTypes) {
  MaskingSpec spec = AllResultsSpec();
  spec.selection.ids_type = IdsType::kUint16;
  spec.selection.mask_type = MaskType::kPackedBits;
  EXPECT_EQ(PlanOrDie(spec).result_bytes.mask, 3 * 2);
  EXPECT_EQ(PlanOrDie(spec).result_bytes.ids_restore, 3 * 13 * 2);
  spec.selection.ids_type = IdsType::kInt32;
  spec.selection.mask_type = MaskType::kUint8;
  EXPECT_EQ(PlanOrDie(spec).result_bytes.mask, 3 * 13);
  EXPECT_EQ(PlanOrDie(spec).result_bytes.ids_mask, 3 * 9 * 4);
}

TEST(MaskingPlanSizesTest, AreZeroWhereNotSelected) {
  MaskingSpec spec = AllResultsSpec();
  spec.selection = {.ids_keep = true};
  const ResultBytes bytes = PlanOrDie(spec).result_bytes;
  EXPECT_EQ(bytes.total(), 3 * 4 * 8);
  EXPECT_EQ(bytes.kept_tokens + bytes.mask + bytes.ids_restore + bytes.ids_mask + bytes.noise, 0);
}

TEST(MaskingPlanSizesTest, AreZeroWithoutTokens) {
  MaskingSpec spec = AllResultsSpec();
  spec.token_type.reset();
  spec.selection.kept_tokens = false;
  EXPECT_EQ(PlanOrDie(spec).token_bytes, 0);
  EXPECT_EQ(PlanOrDie(spec).tokens_bytes, 0);
}

TEST(MaskingPlanSizesTest, OfOneIdAndOneMaskRow) {
  EXPECT_EQ(IdBytes(IdsType::kInt64), 8);
  EXPECT_EQ(IdBytes(IdsType::kInt32), 4);
  EXPECT_EQ(IdBytes(IdsType::kUint16), 2);
  EXPECT_EQ(MaskRowBytes(MaskType::kFloat32, 13), 52);
  EXPECT_EQ(MaskRowBytes(MaskType::kUint8, 13), 13);
  EXPECT_EQ(MaskRowBytes(MaskType::kPackedBits, 1), 1);
  EXPECT_EQ(MaskRowBytes(MaskType::kPackedBits, 8), 1);
  EXPECT_EQ(MaskRowBytes(MaskType::kPackedBits, 9), 2);
}

TEST(MaskingPlanFieldsTest, AreThoseOfTheSpec) {
  const std::vector<std::uint64_t> ids = {7, 1, 7};
  MaskingSpec spec = AllResultsSpec();
  spec.seed = ~std::uint64_t{0};
  spec.first_sample_id = ~std::uint64_t{0};
  spec.epoch = 5;
  spec.mask_index = 6;
  spec.selection.kept_order = KeptOrder::kRaster;
  const MaskingPlan counted = PlanOrDie(spec);
  EXPECT_EQ(counted.batch_size, 3);
  EXPECT_EQ(counted.sequence_length, 13);
  EXPECT_EQ(counted.seed, ~std::uint64_t{0});
  EXPECT_EQ(counted.epoch, 5u);
  EXPECT_EQ(counted.mask_index, 6u);
  EXPECT_EQ(counted.noise_source, NoiseSource::kSeeded);
  EXPECT_EQ(counted.selection, spec.selection);
  EXPECT_EQ(counted.SampleId(0), ~std::uint64_t{0});
  EXPECT_EQ(counted.SampleId(1), 0u) << "counts modulo 2^64";
  EXPECT_EQ(counted.provided_noise, nullptr);
  spec.sample_ids = ids;
  EXPECT_EQ(PlanOrDie(spec).SampleId(1), 1u);
  EXPECT_EQ(PlanOrDie(spec).SampleId(2), 7u);
}

TEST(MaskingPlanFieldsTest, NumKeepOverridesTheRatio) {
  MaskingSpec spec = AllResultsSpec();
  spec.mask_ratio = 0.5;
  spec.num_keep = 2;
  EXPECT_EQ(PlanOrDie(spec).num_keep, 2);
  spec.num_keep.reset();
  EXPECT_EQ(PlanOrDie(spec).num_keep, 6);
  spec.keep_count_rule = KeepCountRule::kMaskTrunc;
  EXPECT_EQ(PlanOrDie(spec).num_keep, 7);
}

// ---- Products that overflow.

struct Overflow {
  const char* name;
  std::int64_t batch_size, sequence_length, token_dim, element_bytes;
};

std::ostream& operator<<(std::ostream& out, const Overflow& overflow) { return out << overflow.name; }

constexpr Overflow kOverflows[] = {
    {"BatchTimesLength", TwoTo(62), 2, 1, 1},
    {"BatchTimesLengthWrapsToZero", TwoTo(62), 4, 1, 1},
    {"BatchTimesLengthWrapsToSmallPositive", TwoTo(62) + 1, 4, 1, 1},
    {"BatchLargest", TwoTo(62) - 1 + TwoTo(62), 16777216, 1, 1},
    {"TokenDimTimesElementBytes", 1, 1, TwoTo(62), 16},
    {"TokenDimTimesElementBytesWrapsToSmallPositive", 1, 1, TwoTo(60) + 1, 16},
    {"Tokens", TwoTo(20), TwoTo(20), TwoTo(20), 16},
    {"TokensWrapToZero", TwoTo(30), TwoTo(10), TwoTo(20), 16},
    {"Ids", TwoTo(40), TwoTo(20), 1, 1},
};

class OverflowTest : public ::testing::TestWithParam<Overflow> {};

TEST_P(OverflowTest, IsRefused) {
  MaskingSpec spec = AllResultsSpec();
  spec.batch_size = GetParam().batch_size;
  spec.sequence_length = GetParam().sequence_length;
  spec.token_type = TokenType{.token_dim = GetParam().token_dim, .element_bytes = GetParam().element_bytes};
  spec.num_keep = 1;
  const absl::Status status = MakeMaskingPlan(spec).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(std::to_string(GetParam().token_dim > TwoTo(59) ? GetParam().token_dim
                                                                        : GetParam().batch_size)));
}

std::string OverflowName(const ::testing::TestParamInfo<Overflow>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Products, OverflowTest, ::testing::ValuesIn(kOverflows), OverflowName);

// Each result fits in an int64, their sum does not.
TEST(MaskingPlanOverflowTest, TheSumOfTheResultsIsRefusedToo) {
  MaskingSpec spec = AllResultsSpec();
  spec.token_type.reset();
  spec.selection.kept_tokens = false;
  spec.batch_size = TwoTo(35);
  spec.sequence_length = TwoTo(24);
  EXPECT_EQ(MakeMaskingPlan(spec).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(MaskingPlanOverflowTest, ProvidedNoiseBytesThatWrapAreRefused) {
  MaskingSpec spec = AllResultsSpec();
  spec.selection = {.mask = true, .mask_type = MaskType::kPackedBits};
  spec.batch_size = TwoTo(38);  // * 2^24 * 4 is 2^64
  spec.sequence_length = TwoTo(24);
  spec.token_type.reset();
  spec.noise_source = NoiseSource::kProvided;
  EXPECT_EQ(MakeMaskingPlan(spec).status().code(), absl::StatusCode::kInvalidArgument);
}

// Whatever the sizes: refused, or every size is what wide integers say.
TEST(MaskingPlanOverflowTest, RandomSizesAreRightOrRefused) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("random seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  int taken = 0;
  for (int i = 0; i < 20000; ++i) {
    MaskingSpec spec = AllResultsSpec();
    spec.batch_size = static_cast<std::int64_t>(random() >> (1 + random() % 63));
    spec.sequence_length = static_cast<std::int64_t>(random() >> (38 + random() % 26));
    spec.token_type = TokenType{.token_dim = static_cast<std::int64_t>(random() >> (1 + random() % 63)),
                                .element_bytes = static_cast<std::int64_t>(1 + random() % 16)};
    spec.num_keep = spec.sequence_length / 2;
    const absl::StatusOr<MaskingPlan> plan = MakeMaskingPlan(spec);
    if (!plan.ok()) continue;
    ++taken;
    __extension__ using Wide = __int128;
    const Wide batch_tokens = Wide{spec.batch_size} * spec.sequence_length;
    const Wide token_bytes = Wide{spec.token_type->token_dim} * spec.token_type->element_bytes;
    const Wide kept = Wide{spec.batch_size} * *spec.num_keep;
    ASSERT_TRUE(plan->tokens_bytes == batch_tokens * token_bytes) << "at " << i;
    ASSERT_TRUE(plan->result_bytes.kept_tokens == kept * token_bytes) << "at " << i;
    ASSERT_TRUE(plan->result_bytes.ids_restore == batch_tokens * 8) << "at " << i;
    ASSERT_TRUE(plan->result_bytes.total() == kept * token_bytes + batch_tokens * 24) << "at " << i;
  }
  EXPECT_GT(taken, 100);
}

}  // namespace
}  // namespace maskd
