// Every rule of every field of proto/maskd/v1/masking.proto: what breaks it is
// refused with field and value, what just keeps it is taken.
#include "kernels/masking_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace maskd {
namespace {

using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// N = 2, L = 8, tokens of 3 float32.
MaskingSpec GoodSpec() {
  return {.batch_size = 2,
          .sequence_length = 8,
          .token_type = TokenType{.token_dim = 3, .element_bytes = 4},
          .mask_ratio = 0.75,
          .selection = {.kept_tokens = true, .mask = true, .ids_restore = true}};
}

const std::vector<std::byte> kNoise(2 * 8 * 4 + 4);
const std::vector<std::uint64_t> kIds(3);

MaskingSpec ProvidedSpec() {
  MaskingSpec spec = GoodSpec();
  spec.noise_source = NoiseSource::kProvided;
  spec.provided_noise = std::span(kNoise).first(2 * 8 * 4);
  return spec;
}

// ---- Refused.

struct BadSpec {
  const char* name;
  void (*change)(MaskingSpec& spec);
  // What the message must have: the field, and its value.
  const char* field;
  const char* value;
};

std::ostream& operator<<(std::ostream& out, const BadSpec& bad) { return out << bad.name; }

void SetProvided(MaskingSpec& spec, std::size_t bytes) {
  spec = ProvidedSpec();
  spec.provided_noise = std::span(kNoise).first(bytes);
}

// Of a small device.
TorchCudaSpec& SetTorchCuda(MaskingSpec& spec) {
  spec.noise_source = NoiseSource::kTorchCuda;
  spec.torch_cuda = {.multi_processor_count = 2, .max_threads_per_multi_processor = 1024};
  return spec.torch_cuda;
}

void SetRatio(MaskingSpec& spec, double ratio) { spec.mask_ratio = ratio; }

void SetKeep(MaskingSpec& spec, std::int64_t num_keep) { spec.num_keep = num_keep; }

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

const BadSpec kBadSpecs[] = {
    {"BatchSizeZero", [](MaskingSpec& s) { s.batch_size = 0; }, "batch_size", "0"},
    {"BatchSizeNegative", [](MaskingSpec& s) { s.batch_size = -7; }, "batch_size", "-7"},
    {"BatchSizeLeast", [](MaskingSpec& s) { s.batch_size = kLeast; }, "batch_size", "-9223372036854775808"},
    {"SequenceLengthZero", [](MaskingSpec& s) { s.sequence_length = 0; }, "sequence_length", "0"},
    {"SequenceLengthNegative", [](MaskingSpec& s) { s.sequence_length = -1; }, "sequence_length", "-1"},
    {"SequenceLengthOverTwoTo24", [](MaskingSpec& s) { s.sequence_length = (1 << 24) + 1; },
     "sequence_length", "16777217"},
    {"SequenceLengthHuge", [](MaskingSpec& s) { s.sequence_length = std::int64_t{1} << 62; },
     "sequence_length", "4611686018427387904"},
    {"TokenDimZero", [](MaskingSpec& s) { s.token_type->token_dim = 0; }, "token_dim", "0"},
    {"TokenDimNegative", [](MaskingSpec& s) { s.token_type->token_dim = -768; }, "token_dim", "-768"},
    {"ElementBytesZero", [](MaskingSpec& s) { s.token_type->element_bytes = 0; }, "element_bytes", "0"},
    {"ElementBytesNegative", [](MaskingSpec& s) { s.token_type->element_bytes = -4; }, "element_bytes", "-4"},
    {"ElementBytes17", [](MaskingSpec& s) { s.token_type->element_bytes = 17; }, "element_bytes", "17"},
    {"RatioOne", [](MaskingSpec& s) { SetRatio(s, 1.0); }, "mask_ratio", "1"},
    {"RatioAboveOne", [](MaskingSpec& s) { SetRatio(s, 1.5); }, "mask_ratio", "1.5"},
    {"RatioNegative", [](MaskingSpec& s) { SetRatio(s, -0.25); }, "mask_ratio", "-0.25"},
    {"RatioTinyNegative", [](MaskingSpec& s) { SetRatio(s, -5e-324); }, "mask_ratio", "-"},
    {"RatioNan", [](MaskingSpec& s) { SetRatio(s, kNan); }, "mask_ratio", "nan"},
    {"RatioInfinite", [](MaskingSpec& s) { SetRatio(s, kInfinity); }, "mask_ratio", "inf"},
    {"RatioMinusInfinite", [](MaskingSpec& s) { SetRatio(s, -kInfinity); }, "mask_ratio", "-inf"},
    {"RatioNorNumKeep", [](MaskingSpec& s) { s.mask_ratio.reset(); }, "mask_ratio", "num_keep"},
    {"NumKeepNegative", [](MaskingSpec& s) { SetKeep(s, -1); }, "num_keep", "-1"},
    {"NumKeepOverLength", [](MaskingSpec& s) { SetKeep(s, 9); }, "num_keep", "9"},
    {"NumKeepHuge", [](MaskingSpec& s) { SetKeep(s, std::int64_t{1} << 62); }, "num_keep",
     "4611686018427387904"},
    {"RuleUnknown", [](MaskingSpec& s) { s.keep_count_rule = KeepCountRule{4}; }, "keep_count_rule", "4"},
    {"RuleNegative", [](MaskingSpec& s) { s.keep_count_rule = KeepCountRule{-1}; }, "keep_count_rule", "-1"},
    {"NoiseSourceUnknown", [](MaskingSpec& s) { s.noise_source = NoiseSource{4}; }, "noise_source", "4"},
    {"DirectionUnknown",
     [](MaskingSpec& s) {
       s = ProvidedSpec();
       s.noise_direction = NoiseDirection{2};
     },
     "direction", "2"},
    {"NoiseMissing", [](MaskingSpec& s) { SetProvided(s, 0); }, "noise", "64"},
    {"NoiseOneByteShort", [](MaskingSpec& s) { SetProvided(s, 63); }, "noise", "63"},
    {"NoiseOneElementLong", [](MaskingSpec& s) { SetProvided(s, 68); }, "noise", "68"},
    {"ScaleInfinite",
     [](MaskingSpec& s) {
       s = ProvidedSpec();
       s.seeded_noise_scale = std::numeric_limits<float>::infinity();
     },
     "seeded_noise_scale", "inf"},
    {"ScaleNan",
     [](MaskingSpec& s) {
       s = ProvidedSpec();
       s.seeded_noise_scale = std::numeric_limits<float>::quiet_NaN();
     },
     "seeded_noise_scale", "nan"},
    {"SkipOverTwoTo30",
     [](MaskingSpec& s) {
       s.noise_source = NoiseSource::kTorchCpu;
       s.torch_skip = (1u << 30) + 1u;
     },
     "skip", "1073741825"},
    {"SkipLargest",
     [](MaskingSpec& s) {
       s.noise_source = NoiseSource::kTorchCpu;
       s.torch_skip = ~std::uint64_t{0};
     },
     "skip", "18446744073709551615"},
    {"TorchCudaOfNoDevice", [](MaskingSpec& s) { s.noise_source = NoiseSource::kTorchCuda; },
     "multi_processor_count", "0"},
    {"TorchCudaOffsetOdd", [](MaskingSpec& s) { SetTorchCuda(s).offset = 6; }, "offset", "6"},
    {"TorchCudaProcessorsNegative", [](MaskingSpec& s) { SetTorchCuda(s).multi_processor_count = -1; },
     "multi_processor_count", "-1"},
    {"TorchCudaProcessorsHuge", [](MaskingSpec& s) { SetTorchCuda(s).multi_processor_count = 65536; },
     "multi_processor_count", "65536"},
    {"TorchCudaThreadsOfNoBlock",
     [](MaskingSpec& s) { SetTorchCuda(s).max_threads_per_multi_processor = 255; },
     "max_threads_per_multi_processor", "255"},
    {"TorchCudaThreadsHuge", [](MaskingSpec& s) { SetTorchCuda(s).max_threads_per_multi_processor = 65536; },
     "max_threads_per_multi_processor", "65536"},
    {"TorchCudaFirstNegative", [](MaskingSpec& s) { SetTorchCuda(s).first_element = -1; }, "first_element",
     "-1"},
    {"TorchCudaFirstHuge", [](MaskingSpec& s) { SetTorchCuda(s).first_element = INT64_MAX; }, "first_element",
     "9223372036854775807"},
    {"TorchCudaBeyondItsTensor",
     [](MaskingSpec& s) {
       SetTorchCuda(s).first_element = 1;
       s.torch_cuda.num_elements = 16;
     },
     "num_elements", "17"},
    {"TorchCudaElementsNegative", [](MaskingSpec& s) { SetTorchCuda(s).num_elements = -1; }, "num_elements",
     "-1"},
    {"TorchCudaElementsOverTwoTo29", [](MaskingSpec& s) { SetTorchCuda(s).num_elements = (1 << 29) + 1; },
     "elements", "536870913"},
    {"SampleIdsNone", [](MaskingSpec& s) { s.sample_ids = std::span(kIds).first(0); }, "sample_ids", "0"},
    {"SampleIdsOneShort", [](MaskingSpec& s) { s.sample_ids = std::span(kIds).first(1); }, "sample_ids", "1"},
    {"SampleIdsOneLong", [](MaskingSpec& s) { s.sample_ids = std::span(kIds).first(3); }, "sample_ids", "3"},
    {"EpochTwoTo24", [](MaskingSpec& s) { s.epoch = 1u << 24; }, "epoch", "16777216"},
    {"EpochLargest", [](MaskingSpec& s) { s.epoch = ~0u; }, "epoch", "4294967295"},
    {"MaskIndex256", [](MaskingSpec& s) { s.mask_index = 256; }, "mask_index", "256"},
    {"MaskIndexLargest", [](MaskingSpec& s) { s.mask_index = ~0u; }, "mask_index", "4294967295"},
    {"KeptTokensWithoutTokens", [](MaskingSpec& s) { s.token_type.reset(); }, "KEPT_TOKENS", ""},
    {"KeptOrderUnknown", [](MaskingSpec& s) { s.selection.kept_order = KeptOrder{2}; }, "kept_order", "2"},
    {"IdsTypeUnknown", [](MaskingSpec& s) { s.selection.ids_type = IdsType{3}; }, "ids_type", "3"},
    {"MaskTypeUnknown", [](MaskingSpec& s) { s.selection.mask_type = MaskType{3}; }, "mask_type", "3"},
    {"MaskTypeNegative", [](MaskingSpec& s) { s.selection.mask_type = MaskType{-1}; }, "mask_type", "-1"},
    {"PolarityUnknown", [](MaskingSpec& s) { s.selection.mask_polarity = MaskPolarity{2}; }, "mask_polarity",
     "2"},
    {"Uint16OfLongSequence",
     [](MaskingSpec& s) {
       s.sequence_length = 65537;
       s.selection.ids_type = IdsType::kUint16;
     },
     "65537", "65536"},
};

class BadSpecTest : public ::testing::TestWithParam<BadSpec> {};

TEST_P(BadSpecTest, IsRefusedWithFieldAndValue) {
  MaskingSpec spec = GoodSpec();
  GetParam().change(spec);
  const absl::StatusOr<MaskingPlan> plan = MakeMaskingPlan(spec);
  ASSERT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument) << plan.status();
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr(GetParam().field));
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr(GetParam().value));
}

std::string BadSpecName(const ::testing::TestParamInfo<BadSpec>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Fields, BadSpecTest, ::testing::ValuesIn(kBadSpecs), BadSpecName);

TEST(KeepNothingTest, ARatioThatKeepsNothingNamesLengthRatioAndRemedy) {
  MaskingSpec spec = GoodSpec();
  spec.sequence_length = 10;
  spec.mask_ratio = 0.9;
  const absl::Status status = MakeMaskingPlan(spec).status();
  ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::AllOf(HasSubstr("mask_ratio"), HasSubstr("0.9"),
                                                              HasSubstr("10"), HasSubstr("num_keep")));
  spec.num_keep = 0;
  EXPECT_TRUE(MakeMaskingPlan(spec).ok()) << "num_keep = 0 said explicitly is allowed";
  spec.num_keep.reset();
  spec.keep_count_rule = KeepCountRule::kKeepTruncMin1;
  EXPECT_TRUE(MakeMaskingPlan(spec).ok());
}

TEST(KeepNothingTest, ARatioThatKeepsNothingOfManyIsRefusedByTheOtherRulesToo) {
  MaskingSpec spec = GoodSpec();
  spec.mask_ratio = 0.999;
  spec.keep_count_rule = KeepCountRule::kMaskCeil;
  EXPECT_EQ(MakeMaskingPlan(spec).status().code(), absl::StatusCode::kInvalidArgument);
  spec.keep_count_rule = KeepCountRule::kMaskTrunc;
  EXPECT_TRUE(MakeMaskingPlan(spec).ok()) << "L - trunc(0.999 * 8) is 1";
}

// ---- Taken: the last value that keeps each rule.

struct GoodBoundary {
  const char* name;
  void (*change)(MaskingSpec& spec);
};

std::ostream& operator<<(std::ostream& out, const GoodBoundary& good) { return out << good.name; }

const GoodBoundary kGoodBoundaries[] = {
    {"BatchSizeOne", [](MaskingSpec& s) { s.batch_size = 1; }},
    {"SequenceLengthOne", [](MaskingSpec& s) { s.sequence_length = 1, s.mask_ratio = 0; }},
    {"SequenceLengthTwoTo24", [](MaskingSpec& s) { s.sequence_length = 1 << 24; }},
    {"TokenOfOneByte", [](MaskingSpec& s) { s.token_type = TokenType{.token_dim = 1, .element_bytes = 1}; }},
    {"ElementBytes16", [](MaskingSpec& s) { s.token_type->element_bytes = 16; }},
    {"ElementBytes3", [](MaskingSpec& s) { s.token_type->element_bytes = 3; }},
    {"RatioZero", [](MaskingSpec& s) { SetRatio(s, 0.0); }},
    {"RatioMinusZero", [](MaskingSpec& s) { SetRatio(s, -0.0); }},
    {"RatioJustBelowOne",
     [](MaskingSpec& s) {
       SetRatio(s, std::nextafter(1.0, 0.0));
       s.keep_count_rule = KeepCountRule::kKeepTruncMin1;
     }},
    {"NumKeepZero", [](MaskingSpec& s) { SetKeep(s, 0); }},
    {"NumKeepAll", [](MaskingSpec& s) { SetKeep(s, 8); }},
    {"NumKeepWithoutRatio", [](MaskingSpec& s) { SetKeep(s, 3), s.mask_ratio.reset(); }},
    {"EpochLast", [](MaskingSpec& s) { s.epoch = (1u << 24) - 1; }},
    {"MaskIndexLast", [](MaskingSpec& s) { s.mask_index = 255; }},
    {"SampleIdsExactlyN", [](MaskingSpec& s) { s.sample_ids = std::span(kIds).first(2); }},
    {"NoiseExactly", [](MaskingSpec& s) { s = ProvidedSpec(); }},
    {"ScaleLargest",
     [](MaskingSpec& s) {
       s = ProvidedSpec();
       s.seeded_noise_scale = std::numeric_limits<float>::lowest();
     }},
    {"SkipTwoTo30",
     [](MaskingSpec& s) {
       s.noise_source = NoiseSource::kTorchCpu;
       s.torch_skip = 1u << 30;
     }},
    {"TorchCudaWholeTensor", [](MaskingSpec& s) { SetTorchCuda(s).num_elements = 1 << 29; }},
    {"TorchCudaEndOfItsTensor",
     [](MaskingSpec& s) {
       SetTorchCuda(s).num_elements = 1 << 29;
       s.torch_cuda.first_element = (1 << 29) - 16;
     }},
    {"TorchCudaLargestDevice",
     [](MaskingSpec& s) {
       SetTorchCuda(s).multi_processor_count = 65535;
       s.torch_cuda.max_threads_per_multi_processor = 65535;
     }},
    {"Uint16OfLength65536",
     [](MaskingSpec& s) {
       s.sequence_length = 65536;
       s.selection.ids_type = IdsType::kUint16;
     }},
    {"MasksAlone", [](MaskingSpec& s) { s.token_type.reset(), s.selection.kept_tokens = false; }},
};

class GoodBoundaryTest : public ::testing::TestWithParam<GoodBoundary> {};

TEST_P(GoodBoundaryTest, IsTaken) {
  MaskingSpec spec = GoodSpec();
  GetParam().change(spec);
  const absl::StatusOr<MaskingPlan> plan = MakeMaskingPlan(spec);
  EXPECT_TRUE(plan.ok()) << plan.status();
}

std::string GoodBoundaryName(const ::testing::TestParamInfo<GoodBoundary>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Fields, GoodBoundaryTest, ::testing::ValuesIn(kGoodBoundaries), GoodBoundaryName);

}  // namespace
}  // namespace maskd
