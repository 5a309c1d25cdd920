// What MakeCpuMasker took apart, put together again.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "tests/tensor/array_bytes.h"
#include "tests/tensor/random_source.h"
#include "tests/tensor/tensor_backends.h"
#include "tests/tensor/tensor_calls.h"

namespace maskd {
namespace {

constexpr std::int64_t kElementBytes = 2;

struct MaskedTokens {
  MaskingSpec spec;
  Bytes tokens;
  Bytes kept_tokens;
  Bytes mask;  // uint8
  Bytes ids_restore;
  Bytes ids_keep;
  std::int64_t num_keep = 0;
};

Bytes Room(std::int64_t bytes) { return Bytes(static_cast<std::size_t>(bytes)); }

MaskedTokens Mask(IdsType ids_type, RandomSource& random) {
  MaskedTokens result;
  MaskingSpec& spec = result.spec;
  spec.batch_size = random.Between(1, 5);
  spec.sequence_length = random.Between(1, 40);
  spec.token_type = TokenType{.token_dim = random.Between(1, 9), .element_bytes = kElementBytes};
  spec.num_keep = random.Between(0, spec.sequence_length);
  spec.seed = static_cast<std::uint64_t>(random.Between(0, 1000000));
  spec.selection = {.kept_tokens = true,
                    .mask = true,
                    .ids_restore = true,
                    .ids_keep = true,
                    .ids_type = ids_type,
                    .mask_type = MaskType::kUint8};
  const MaskingPlan plan = MakeMaskingPlan(spec).value();
  result.tokens = random.SomeBytes(plan.tokens_bytes);
  result.kept_tokens = Room(plan.result_bytes.kept_tokens);
  result.mask = Room(plan.result_bytes.mask);
  result.ids_restore = Room(plan.result_bytes.ids_restore);
  result.ids_keep = Room(plan.result_bytes.ids_keep);
  result.num_keep = plan.num_keep;
  const absl::Status status = MakeCpuMasker(1)->Mask(plan, {.tokens = result.tokens.data(),
                                                            .kept_tokens = result.kept_tokens.data(),
                                                            .mask = result.mask.data(),
                                                            .ids_restore = result.ids_restore.data(),
                                                            .ids_keep = result.ids_keep.data()});
  EXPECT_TRUE(status.ok()) << status;
  return result;
}

class RoundTripTest : public TensorBackendTest {};

TEST_P(RoundTripTest, RestoredTokensAreTheTokensWhereKeptAndFillElsewhere) {
  const std::uint64_t seed = FreshSeed();
  SCOPED_TRACE("MASKD_TEST_SEED=" + std::to_string(seed));
  RandomSource random(seed);
  for (int i = 0; i < 300 && !HasFailure(); ++i) {
    const IdsType ids_type = random.OneOf<IdsType>({IdsType::kInt64, IdsType::kInt32, IdsType::kUint16});
    const MaskedTokens masked = Mask(ids_type, random);
    const std::int64_t N = masked.spec.batch_size;
    const std::int64_t L = masked.spec.sequence_length;
    const std::int64_t token_bytes = masked.spec.token_type->token_dim * kElementBytes;
    const auto plan = MakeRestorePlan({N, masked.num_keep, masked.spec.token_type->token_dim}, kElementBytes,
                                      {N, L}, ids_type, 0);
    ASSERT_TRUE(plan.ok()) << plan.status();
    const bool has_fill = random.OneIn(2);
    const Bytes fill = has_fill ? random.SomeBytes(token_bytes) : Room(token_bytes);
    Bytes expected;
    for (std::int64_t l = 0; l < N * L; ++l) {
      const bool is_removed = masked.mask[static_cast<std::size_t>(l)] == std::byte{1};
      Append(expected, is_removed ? fill : Elements(masked.tokens, token_bytes, l));
    }
    const auto restored = RestoreTokens(*ops_, *plan, kElementBytes, masked.kept_tokens, masked.ids_restore,
                                        has_fill ? std::optional<Bytes>(fill) : std::nullopt);
    ASSERT_TRUE(restored.ok()) << restored.status();
    EXPECT_TRUE(*restored == expected);
  }
}

// The reference's torch.gather(x, 1, ids_keep) is what a masker keeps.
TEST_P(RoundTripTest, GatherOfIdsKeepIsKeptTokens) {
  const std::uint64_t seed = FreshSeed();
  SCOPED_TRACE("MASKD_TEST_SEED=" + std::to_string(seed));
  RandomSource random(seed);
  for (int i = 0; i < 300 && !HasFailure(); ++i) {
    const MaskedTokens masked = Mask(IdsType::kInt32, random);
    const std::int64_t N = masked.spec.batch_size;
    const auto plan =
        MakeIndexPlan({.input_shape = {N, masked.spec.sequence_length, masked.spec.token_type->token_dim},
                       .index_shape = {N, masked.num_keep},
                       .dim = -1,
                       .index_type = IdsType::kInt32,
                       .element_bytes = kElementBytes,
                       .index_rank = 2});
    ASSERT_TRUE(plan.ok()) << plan.status();
    const auto gathered = Gather(*ops_, *plan, kElementBytes, masked.tokens, masked.ids_keep);
    ASSERT_TRUE(gathered.ok()) << gathered.status();
    EXPECT_TRUE(*gathered == masked.kept_tokens);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, RoundTripTest, ::testing::ValuesIn(TensorBackends()), TensorBackendName);

}  // namespace
}  // namespace maskd
