#include "tests/contract/invariants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "kernels/philox.h"

namespace maskd {
namespace {

using Ids = std::vector<std::int64_t>;

template <typename T>
std::vector<T> Decode(std::span<const std::byte> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

float SeededNoise(const MaskingPlan& plan, std::int64_t n, std::int64_t l) {
  const std::uint64_t sample_id = plan.SampleId(n);
  const PhiloxBlock counter = {{static_cast<std::uint32_t>(l >> 2), static_cast<std::uint32_t>(sample_id),
                                static_cast<std::uint32_t>(sample_id >> 32),
                                (plan.epoch << 8) | plan.mask_index}};
  const std::uint32_t bits = Philox4x32(counter, plan.seed).word[l & 3];
  return std::ldexp(static_cast<float>(bits >> 8), -24);
}

// A stable argsort with NaN last, as numpy.argsort(noise, kind="stable").
Ids StableArgsort(std::span<const float> noise) {
  Ids order(noise.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [noise](std::int64_t a, std::int64_t b) {
    const float left = noise[static_cast<std::size_t>(a)];
    const float right = noise[static_cast<std::size_t>(b)];
    if (std::isnan(left) || std::isnan(right)) return !std::isnan(left) && std::isnan(right);
    return left < right;
  });
  return order;
}

template <typename T>
std::span<const T> Row(const std::vector<T>& values, std::int64_t rows, std::int64_t n) {
  const std::size_t width = values.size() / static_cast<std::size_t>(rows);
  return {values.data() + static_cast<std::size_t>(n) * width, width};
}

void ExpectNoise(const MaskingPlan& plan, std::span<const std::byte> bytes, const std::vector<float>& noise) {
  const std::vector<float> expected = NoiseBySpecification(plan);
  ASSERT_EQ(noise.size(), expected.size());
  for (std::size_t i = 0; i < noise.size(); ++i) {
    if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(noise[i])) << "noise at " << i << " is " << noise[i] << " and not NaN";
    } else {
      ASSERT_EQ(std::memcmp(&noise[i], &expected[i], 4), 0)
          << "noise at " << i << " is " << noise[i] << ", expected " << expected[i];
    }
  }
  // Noise that is sorted as it came is returned as it came, NaN bits and all.
  if (plan.noise_source == NoiseSource::kProvided && plan.seeded_noise_scale == 0 &&
      plan.noise_direction == NoiseDirection::kAscending) {
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), plan.provided_noise)) << "provided noise was changed";
  }
}

// The ids of one sequence, given its noise.
void ExpectIds(const MaskingPlan& plan, std::span<const float> noise,
               std::span<const std::int64_t> ids_restore, std::span<const std::int64_t> ids_keep,
               std::span<const std::int64_t> ids_mask) {
  const auto num_keep = static_cast<std::size_t>(plan.num_keep);
  Ids shuffled(ids_restore.size(), -1);
  for (std::size_t l = 0; l < ids_restore.size(); ++l) {
    const std::int64_t rank = ids_restore[l];
    ASSERT_TRUE(rank >= 0 && rank < plan.sequence_length) << "ids_restore[" << l << "] is " << rank;
    ASSERT_EQ(shuffled[static_cast<std::size_t>(rank)], -1) << "ids_restore has " << rank << " twice";
    shuffled[static_cast<std::size_t>(rank)] = static_cast<std::int64_t>(l);
  }
  Ids expected = StableArgsort(noise);
  if (plan.selection.kept_order == KeptOrder::kRaster) {
    std::sort(expected.begin(), expected.begin() + plan.num_keep);
  }
  const auto offset =
      std::mismatch(shuffled.begin(), shuffled.end(), expected.begin()).first - shuffled.begin();
  ASSERT_EQ(offset, plan.sequence_length)
      << "the inverse of ids_restore is not the stable argsort of noise from rank " << offset;
  ASSERT_EQ(ids_keep.size(), num_keep);
  EXPECT_TRUE(std::equal(ids_keep.begin(), ids_keep.end(), shuffled.begin())) << "ids_keep";
  ASSERT_EQ(ids_mask.size(), shuffled.size() - num_keep);
  EXPECT_TRUE(std::equal(ids_mask.begin(), ids_mask.end(), shuffled.begin() + plan.num_keep)) << "ids_mask";
}

void ExpectMaskOfRanks(const MaskingPlan& plan, std::span<const int> mask,
                       std::span<const std::int64_t> ids_restore) {
  const int removed = plan.selection.mask_polarity == MaskPolarity::kMaskedIsOne ? 1 : 0;
  ASSERT_EQ(mask.size(), ids_restore.size());
  std::int64_t num_removed = 0;
  for (std::size_t l = 0; l < mask.size(); ++l) {
    ASSERT_TRUE(mask[l] == 0 || mask[l] == 1) << "mask[" << l << "] is neither 0 nor 1";
    ASSERT_EQ(mask[l] == removed, ids_restore[l] >= plan.num_keep) << "mask[" << l << "]";
    num_removed += mask[l] == removed;
  }
  EXPECT_EQ(num_removed, plan.sequence_length - plan.num_keep);
}

void ExpectKeptTokens(const MaskingPlan& plan, std::span<const std::byte> tokens,
                      std::span<const std::byte> kept_tokens, std::span<const std::int64_t> ids_restore) {
  const auto token_bytes = static_cast<std::size_t>(plan.token_bytes);
  ASSERT_EQ(kept_tokens.size(), static_cast<std::size_t>(plan.num_keep) * token_bytes);
  for (std::size_t l = 0; l < ids_restore.size(); ++l) {
    if (ids_restore[l] >= plan.num_keep) continue;
    const auto k = static_cast<std::size_t>(ids_restore[l]);
    ASSERT_EQ(std::memcmp(&kept_tokens[k * token_bytes], &tokens[l * token_bytes], token_bytes), 0)
        << "kept_tokens[" << k << "] is not tokens[" << l << "]";
  }
}

}  // namespace

// Thread by thread, as torch's kernel writes it: four numbers of a step go to four
// places T apart.
void DrawTorchCuda(const MaskingPlan& plan, std::vector<float>& noise) {
  const std::uint64_t threads = plan.torch_cuda.num_threads;
  const std::uint64_t first = plan.torch_cuda.first_element;
  const std::uint64_t end = first + noise.size();
  for (std::uint64_t thread = 0; thread < threads; ++thread) {
    std::uint64_t step = plan.torch_cuda.offset / 4;
    for (std::uint64_t index = thread; index < end; index += 4 * threads, ++step) {
      const PhiloxBlock bits =
          Philox4x32({{static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32),
                       static_cast<std::uint32_t>(thread), static_cast<std::uint32_t>(thread >> 32)}},
                     plan.seed);
      for (std::uint64_t i = 0; i < 4; ++i) {
        const std::uint64_t element = index + i * threads;
        if (element < first || element >= end) continue;
        const float number =
            std::fma(static_cast<float>(bits.word[i]), 2.3283064e-10f, 2.3283064e-10f / 2.0f);
        noise[element - first] = number == 1.0f ? 0.0f : number;
      }
    }
  }
}

std::vector<float> NoiseBySpecification(const MaskingPlan& plan) {
  const auto elements = static_cast<std::size_t>(plan.batch_size * plan.sequence_length);
  std::vector<float> noise(elements);
  std::mt19937 torch(static_cast<std::uint32_t>(plan.seed));
  if (plan.noise_source == NoiseSource::kTorchCpu) torch.discard(plan.torch_skip);
  if (plan.noise_source == NoiseSource::kTorchCuda) DrawTorchCuda(plan, noise);
  for (std::size_t i = 0; i < elements; ++i) {
    const std::int64_t n = static_cast<std::int64_t>(i) / plan.sequence_length;
    const std::int64_t l = static_cast<std::int64_t>(i) % plan.sequence_length;
    if (plan.noise_source == NoiseSource::kSeeded) noise[i] = SeededNoise(plan, n, l);
    if (plan.noise_source == NoiseSource::kTorchCpu) {
      noise[i] = std::ldexp(static_cast<float>(torch() & 0xffffff), -24);
    }
    if (plan.noise_source == NoiseSource::kProvided) {
      std::memcpy(&noise[i], plan.provided_noise + i * 4, 4);
      if (plan.seeded_noise_scale != 0) {
        const volatile float product =
            plan.seeded_noise_scale * SeededNoise(plan, n, l);  // rounded, never fused
        noise[i] += product;
      }
      if (plan.noise_direction == NoiseDirection::kDescending) noise[i] = -noise[i];
    }
  }
  return noise;
}

Ids DecodeIds(std::span<const std::byte> bytes, IdsType type) {
  if (type == IdsType::kInt64) return Decode<std::int64_t>(bytes);
  if (type == IdsType::kInt32) {
    const auto ids = Decode<std::int32_t>(bytes);
    return {ids.begin(), ids.end()};
  }
  const auto ids = Decode<std::uint16_t>(bytes);
  return {ids.begin(), ids.end()};
}

std::vector<int> DecodeMask(std::span<const std::byte> bytes, const MaskingPlan& plan) {
  std::vector<int> mask;
  if (plan.selection.mask_type == MaskType::kFloat32) {
    for (const float value : Decode<float>(bytes)) mask.push_back(value == 1 ? 1 : value == 0 ? 0 : -1);
  } else if (plan.selection.mask_type == MaskType::kUint8) {
    for (const std::byte value : bytes) mask.push_back(std::to_integer<int>(value));
  } else {
    const std::int64_t row_bits = (plan.sequence_length + 7) / 8 * 8;
    for (std::int64_t bit = 0; bit < static_cast<std::int64_t>(bytes.size()) * 8; ++bit) {
      const int value = std::to_integer<int>(bytes[static_cast<std::size_t>(bit / 8)]) >> (bit % 8) & 1;
      if (bit % row_bits < plan.sequence_length) {
        mask.push_back(value);
      } else {
        EXPECT_EQ(value, 0) << "padding bit " << bit;
      }
    }
  }
  return mask;
}

void ExpectInvariants(const MaskingPlan& plan, std::span<const std::byte> tokens,
                      const MaskedResults& results) {
  const auto noise = Decode<float>(results.noise);
  const Ids ids_restore = DecodeIds(results.ids_restore, plan.selection.ids_type);
  const Ids ids_keep = DecodeIds(results.ids_keep, plan.selection.ids_type);
  const Ids ids_mask = DecodeIds(results.ids_mask, plan.selection.ids_type);
  const std::vector<int> mask = DecodeMask(results.mask, plan);
  ASSERT_EQ(static_cast<std::int64_t>(ids_restore.size()), plan.batch_size * plan.sequence_length);
  ASSERT_EQ(static_cast<std::int64_t>(mask.size()), plan.batch_size * plan.sequence_length);
  ExpectNoise(plan, results.noise, noise);
  for (std::int64_t n = 0; n < plan.batch_size && !::testing::Test::HasFailure(); ++n) {
    SCOPED_TRACE("sequence " + std::to_string(n));
    const auto restore = Row(ids_restore, plan.batch_size, n);
    ExpectIds(plan, Row(noise, plan.batch_size, n), restore, Row(ids_keep, plan.batch_size, n),
              Row(ids_mask, plan.batch_size, n));
    ExpectMaskOfRanks(plan, Row(mask, plan.batch_size, n), restore);
    if (plan.token_bytes == 0) continue;
    const auto sequence_bytes = static_cast<std::size_t>(plan.sequence_length * plan.token_bytes);
    ExpectKeptTokens(plan, tokens.subspan(static_cast<std::size_t>(n) * sequence_bytes, sequence_bytes),
                     Row(results.kept_tokens, plan.batch_size, n), restore);
  }
}

}  // namespace maskd
