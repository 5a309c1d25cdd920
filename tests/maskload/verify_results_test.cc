// Right results are right, and no wrong byte passes.
#include "client/maskload/verify_results.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "client/result_layout.h"
#include "kernels/masking_spec.h"

namespace maskd::maskload {
namespace {

class VerifyResultsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto seed = std::random_device()();
    RecordProperty("seed", std::to_string(seed));
    random_.seed(seed);
    SCOPED_TRACE(seed);
    spec_.seed = random_();
    spec_.first_sample_id = random_();
    tokens_.resize(static_cast<std::size_t>(3 * 20 * 5));
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      // No two tokens alike.
      tokens_[i] = static_cast<std::byte>(i % 5 == 0 ? i / 5 : random_());
    }
    Compute();
  }

  void Compute() {
    const auto plan = MakeMaskingPlan(spec_);
    ASSERT_TRUE(plan.ok()) << plan.status();
    plan_ = *plan;
    memory_.assign(static_cast<std::size_t>(plan_->result_bytes.total()), std::byte{0});
    results_ = LayOutResults(plan_->result_bytes, memory_.data());
    MaskingBuffers buffers = results_;
    buffers.tokens = tokens_.data();
    ASSERT_TRUE(MakeReferenceMasker()->Mask(*plan_, buffers).ok());
  }

  absl::Status Verify() const { return verifier_.Verify(*plan_, tokens_, results_); }

  MaskingSpec spec_ = {.batch_size = 3,
                       .sequence_length = 20,
                       .token_type = TokenType{.token_dim = 5, .element_bytes = 1},
                       .mask_ratio = 0.7,
                       .selection = {.kept_tokens = true, .mask = true, .ids_restore = true}};
  std::mt19937_64 random_;
  std::vector<std::byte> tokens_;
  std::vector<std::byte> memory_;
  std::optional<MaskingPlan> plan_;
  MaskingBuffers results_;
  const ResultVerifier verifier_;
};

TEST_F(VerifyResultsTest, BelievesTheReference) { EXPECT_TRUE(Verify().ok()) << Verify(); }

TEST_F(VerifyResultsTest, BelievesTheReferenceInRasterOrder) {
  spec_.selection.kept_order = KeptOrder::kRaster;
  Compute();
  EXPECT_TRUE(Verify().ok()) << Verify();
}

TEST_F(VerifyResultsTest, BelievesMasksAlone) {
  spec_.token_type.reset();
  spec_.selection.kept_tokens = false;
  tokens_.clear();
  Compute();
  EXPECT_TRUE(Verify().ok()) << Verify();
}

TEST_F(VerifyResultsTest, SeesEveryByteThatIsWrong) {
  for (std::byte& byte : memory_) {
    const std::byte right = byte;
    byte ^= static_cast<std::byte>(1 + random_() % 255);
    EXPECT_EQ(Verify().code(), absl::StatusCode::kDataLoss) << "byte " << &byte - memory_.data();
    byte = right;
  }
  EXPECT_TRUE(Verify().ok());
}

TEST_F(VerifyResultsTest, SeesAMaskOfMinusZero) {
  const float minus_zero = -0.0F;
  for (std::byte* at = results_.mask;; at += sizeof(float)) {
    float mask = 0;
    std::memcpy(&mask, at, sizeof(mask));
    if (mask != 0) continue;
    std::memcpy(at, &minus_zero, sizeof(minus_zero));
    break;
  }
  EXPECT_EQ(Verify().code(), absl::StatusCode::kDataLoss);
}

// A permutation with the mask that belongs to it, and kept tokens too: of another
// seed.
TEST_F(VerifyResultsTest, SeesAnotherSeed) {
  const MaskingPlan asked = *plan_;
  spec_.seed ^= 1;
  Compute();
  plan_ = asked;
  EXPECT_EQ(Verify(), absl::DataLossError("ids_restore is not what the seed draws"));
}

TEST_F(VerifyResultsTest, SeesSamplesThatChangedPlaces) {
  const std::size_t row = static_cast<std::size_t>(plan_->result_bytes.ids_restore) / 3;
  std::vector<std::byte> first(results_.ids_restore, results_.ids_restore + row);
  std::memcpy(results_.ids_restore, results_.ids_restore + row, row);
  std::memcpy(results_.ids_restore + row, first.data(), row);
  EXPECT_EQ(Verify().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace maskd::maskload
