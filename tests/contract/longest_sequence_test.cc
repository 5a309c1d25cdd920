// L = 2^24, the longest that there is.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "kernels/masker.h"
#include "tests/contract/backend_fixture.h"

namespace maskd {
namespace {

using ::testing::ValuesIn;

class LongestSequenceTest : public BackendTest {};

MaskingSpec LongestSequence() {
  MaskingSpec spec;
  spec.batch_size = 1;
  spec.sequence_length = kMaxSequenceLength;
  spec.mask_ratio = 0.75;
  spec.seed = std::random_device()();
  spec.selection.mask = spec.selection.ids_restore = true;
  spec.selection.mask_type = MaskType::kPackedBits;
  spec.selection.ids_type = IdsType::kInt32;
  return spec;
}

std::vector<std::byte> MaskAndIds(Masker& masker, const MaskingSpec& spec) {
  const auto plan = MakeMaskingPlan(spec);
  EXPECT_TRUE(plan.ok()) << plan.status();
  std::vector<std::byte> results(static_cast<std::size_t>(plan->result_bytes.total()));
  const absl::Status status =
      masker.Mask(*plan, {.mask = results.data(), .ids_restore = results.data() + plan->result_bytes.mask});
  EXPECT_TRUE(status.ok()) << status;
  return results;
}

// Not EXPECT_EQ, which would print 66 MB.
void ExpectSameBytes(const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size()), 0);
}

TEST_P(LongestSequenceTest, Seeded) {
  const MaskingSpec spec = LongestSequence();
  SCOPED_TRACE(spec.seed);
  ExpectSameBytes(MaskAndIds(*masker_, spec), MaskAndIds(*MakeReferenceMasker(), spec));
}

TEST_P(LongestSequenceTest, ProvidedInRasterOrder) {
  MaskingSpec spec = LongestSequence();
  SCOPED_TRACE(spec.seed);
  std::mt19937 engine(static_cast<std::uint32_t>(spec.seed));
  std::vector<float> noise(static_cast<std::size_t>(kMaxSequenceLength));
  for (float& value : noise) value = static_cast<float>(engine() % 100000) - 50000.0f;  // with ties
  spec.noise_source = NoiseSource::kProvided;
  spec.provided_noise = std::as_bytes(std::span(noise));
  spec.selection.kept_order = KeptOrder::kRaster;
  ExpectSameBytes(MaskAndIds(*masker_, spec), MaskAndIds(*MakeReferenceMasker(), spec));
}

INSTANTIATE_TEST_SUITE_P(Backends, LongestSequenceTest, ValuesIn(BackendsBesideReference()), BackendName);

}  // namespace
}  // namespace maskd
