// A caller that goes away.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/masker.h"
#include "tests/contract/backend_fixture.h"

namespace maskd {
namespace {

using ::testing::ValuesIn;

class CancelTest : public BackendTest {};

MaskingSpec ManySequences(NoiseSource source) {
  MaskingSpec spec;
  spec.batch_size = 4096;
  spec.sequence_length = 196;
  spec.mask_ratio = 0.75;
  spec.noise_source = source;
  spec.selection.ids_restore = true;
  return spec;
}

TEST_P(CancelTest, EndsTheCall) {
  for (const NoiseSource source : {NoiseSource::kSeeded, NoiseSource::kTorchCpu}) {
    const MaskingSpec spec = ManySequences(source);
    const auto plan = MakeMaskingPlan(spec);
    ASSERT_TRUE(plan.ok()) << plan.status();
    std::vector<std::byte> ids_restore(static_cast<std::size_t>(plan->result_bytes.ids_restore));
    const MaskingBuffers buffers = {.ids_restore = ids_restore.data()};
    EXPECT_EQ(masker_->Mask(*plan, buffers, [] { return true; }).code(), absl::StatusCode::kCancelled);
    // And the next one works.
    EXPECT_TRUE(masker_->Mask(*plan, buffers).ok());
  }
}

TEST_P(CancelTest, EndsALongSkip) {
  MaskingSpec spec = ManySequences(NoiseSource::kTorchCpu);
  spec.torch_skip = kMaxTorchSkip;
  const auto plan = MakeMaskingPlan(spec);
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::vector<std::byte> ids_restore(static_cast<std::size_t>(plan->result_bytes.ids_restore));
  int asked = 0;
  const absl::Status status =
      masker_->Mask(*plan, {.ids_restore = ids_restore.data()}, [&asked] { return ++asked == 3; });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(asked, 3);
}

INSTANTIATE_TEST_SUITE_P(Backends, CancelTest, ValuesIn(BackendsUnderTest()), BackendName);

}  // namespace
}  // namespace maskd
