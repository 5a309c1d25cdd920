// Tensors of sizes at which backends share the work among threads.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/tensor/index_cases.h"
#include "tests/tensor/loss_cases.h"
#include "tests/tensor/move_cases.h"
#include "tests/tensor/random_source.h"
#include "tests/tensor/tensor_backends.h"

namespace maskd {
namespace {

class LargeTensorsTest : public TensorBackendTest {
 protected:
  const std::uint64_t seed_ = FreshSeed();
  const ::testing::ScopedTrace trace_{__FILE__, __LINE__, "MASKD_TEST_SEED=" + std::to_string(seed_)};
  RandomSource random_{seed_};
};

// Long runs along each dim, rows by a short index, and many writers of few places.
std::vector<IndexSpec> LargeSpecs() {
  return {
      {.input_shape = {1009, 301}, .index_shape = {701, 301}, .dim = 0, .element_bytes = 4},
      {.input_shape = {7, 1021, 53},
       .index_shape = {7, 809, 53},
       .dim = 1,
       .index_type = IdsType::kInt32,
       .element_bytes = 3},
      {.input_shape = {2003, 31}, .index_shape = {2003, 97}, .dim = -1, .element_bytes = 8},
      {.input_shape = {16, 1024, 24},
       .index_shape = {16, 700},
       .dim = 1,
       .element_bytes = 4,
       .index_rank = 2},
      {.input_shape = {3, 5}, .index_shape = {200001, 5}, .dim = 0, .element_bytes = 4},
      {.input_shape = {3}, .index_shape = {300007}, .dim = 0, .element_bytes = 1},
      {.input_shape = {1, 50000, 2},
       .index_shape = {1, 100003},
       .dim = -1,
       .element_bytes = 16,
       .index_rank = 2},
  };
}

TEST_P(LargeTensorsTest, Gather) {
  for (const IndexSpec& spec : LargeSpecs()) {
    const IndexCase c = FillIndexCase(spec, random_);
    SCOPED_TRACE(::testing::PrintToString(c));
    CheckGather(*ops_, c);
  }
}

TEST_P(LargeTensorsTest, Scatter) {
  for (const IndexSpec& spec : LargeSpecs()) {
    const IndexCase c = FillIndexCase(spec, random_);
    SCOPED_TRACE(::testing::PrintToString(c));
    CheckScatter(*ops_, c);
  }
}

TEST_P(LargeTensorsTest, ScatterAdd) {
  const std::vector<FloatType> types = {FloatType::kFloat32, FloatType::kFloat16, FloatType::kBfloat16,
                                        FloatType::kFloat64};
  std::size_t i = 0;
  for (const IndexSpec& spec : LargeSpecs()) {
    const FloatType type = types[i++ % types.size()];
    const IndexCase c = FillAddCase(spec, type, random_);
    SCOPED_TRACE(::testing::PrintToString(c) + " type " + std::to_string(static_cast<int>(type)));
    CheckScatterAdd(*ops_, type, c);
  }
}

TEST_P(LargeTensorsTest, RestoreTokens) {
  for (const std::int64_t token_dim : {1, 190}) {
    RestoreCase c = {.kept_shape = {37, 1 + 49, token_dim},
                     .element_bytes = 4,
                     .ids_shape = {37, 196},
                     .ids_type = IdsType::kUint16,
                     .num_prefix = 1,
                     .kept = {},
                     .ids_restore = {},
                     .fill = {}};
    Fill(c, random_);
    Check(*ops_, c);
  }
}

TEST_P(LargeTensorsTest, MaskedSelect) {
  for (const Shape& mask_shape : {Shape{61, 90, 101}, Shape{90, 1}, Shape{61, 1, 101}}) {
    SelectCase c = {.input_shape = {61, 90, 101},
                    .element_bytes = 4,
                    .mask_shape = mask_shape,
                    .mask_type = BooleanType::kFloat32,
                    .input = {},
                    .mask = {}};
    Fill(c, random_);
    SCOPED_TRACE(::testing::PrintToString(c));
    Check(*ops_, c);
  }
}

TEST_P(LargeTensorsTest, PadSequences) {
  for (const bool time_major : {false, true}) {
    PadCase c;
    std::int64_t steps = 0;
    for (int b = 0; b < 300; ++b) {
      c.spec.lengths.push_back(random_.Between(0, 120));
      steps += c.spec.lengths.back();
    }
    c.spec.values_shape = {steps, 7};
    c.spec.element_bytes = 8;
    c.spec.time_major = time_major;
    Fill(c, random_);
    Check(*ops_, c);
  }
}

TEST_P(LargeTensorsTest, MaskedNllLoss) {
  for (const ScoreKind kind : {ScoreKind::kProbabilities, ScoreKind::kLogProbabilities, ScoreKind::kLogits}) {
    NllCase c;
    c.scores_shape = {101, 307, 17};
    c.kind = kind;
    Fill(c, random_);
    SCOPED_TRACE(::testing::PrintToString(c));
    Check(*ops_, c);
  }
}

TEST_P(LargeTensorsTest, MaskedReconstructionLoss) {
  for (const ImageLayout layout :
       {ImageLayout::kTokens, ImageLayout::kChannelsFirst, ImageLayout::kChannelsLast}) {
    ReconstructionCase c;
    c.spec = {.prediction_shape = {11, 14 * 12, 8 * 8 * 3},
              .target_shape = {11, 14 * 12, 8 * 8 * 3},
              .target_layout = layout,
              .mask_shape = {11, 14 * 12},
              .mask_type = BooleanType::kUint8,
              .normalize_target = true};
    if (layout != ImageLayout::kTokens) c.spec.patch_size = 8;
    if (layout == ImageLayout::kChannelsFirst) c.spec.target_shape = {11, 3, 14 * 8, 12 * 8};
    if (layout == ImageLayout::kChannelsLast) c.spec.target_shape = {11, 14 * 8, 12 * 8, 3};
    Fill(c, random_);
    SCOPED_TRACE(::testing::PrintToString(c));
    Check(*ops_, c);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, LargeTensorsTest, ::testing::ValuesIn(TensorBackends()),
                         TensorBackendName);

}  // namespace
}  // namespace maskd
