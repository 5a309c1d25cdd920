#include "kernels/torch_cuda_noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace maskd {
namespace {

std::vector<float> Draw(const TorchCudaStream& stream, std::uint32_t count) {
  std::vector<float> noise;
  for (std::uint32_t i = 0; i < count; ++i) noise.push_back(TorchCudaNoise(TorchCudaDraw(stream, i)));
  return noise;
}

void ExpectPrints(const std::vector<float>& noise, const std::vector<double>& printed) {
  ASSERT_EQ(noise.size(), printed.size());
  for (std::size_t i = 0; i < noise.size(); ++i) EXPECT_NEAR(double{noise[i]}, printed[i], 5.001e-5) << i;
}

// What torch prints on a GPU after torch.manual_seed, as many published scripts
// show it: torch.rand(10, device="cuda"), twice for seed 0.
TEST(TorchCudaNoiseTest, IsWhatTorchPrints) {
  ExpectPrints(Draw({.seed = 0, .offset = 0, .num_threads = 256, .first_element = 0}, 10),
               {0.3990, 0.5167, 0.0249, 0.9401, 0.9459, 0.7967, 0.4150, 0.8203, 0.2290, 0.9096});
  ExpectPrints(Draw({.seed = 0, .offset = 4, .num_threads = 256, .first_element = 0}, 10),
               {0.9722, 0.7910, 0.4690, 0.3300, 0.3345, 0.3783, 0.7640, 0.6405, 0.1103, 0.3594});
}

// torch's kernel as it is written, on the generator as curand_init sets it up.
TEST(TorchCudaNoiseTest, IsThatOfTheGridStrideLoop) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 50; ++round) {
    const std::uint64_t seed = random();
    const std::uint64_t offset = random() / 4 * 4;
    const std::uint64_t processors = 1 + random() % 3;
    const std::uint64_t max_threads = 256 + random() % 600;
    const std::uint64_t numel = 1 + random() % 9000;
    const std::uint64_t grid = std::min((numel + 255) / 256, processors * (max_threads / 256));
    std::vector<float> expected(numel);
    for (std::uint64_t idx = 0; idx < grid * 256; ++idx) {
      std::uint64_t counter = offset / 4;
      for (std::uint64_t linear = idx; linear < numel; linear += 4 * grid * 256, ++counter) {
        const PhiloxBlock bits =
            Philox4x32({{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32),
                         static_cast<std::uint32_t>(idx), static_cast<std::uint32_t>(idx >> 32)}},
                       seed);
        for (std::uint64_t i = 0; i < 4 && linear + i * grid * 256 < numel; ++i) {
          const float uniform = static_cast<float>(bits.word[i]) * 2.3283064e-10f + 2.3283064e-10f / 2.0f;
          expected[linear + i * grid * 256] = uniform == 1.0f ? 0.0f : uniform;
        }
      }
    }
    const std::uint32_t threads =
        TorchCudaThreads(static_cast<std::int64_t>(numel), static_cast<std::int64_t>(processors),
                         static_cast<std::int64_t>(max_threads));
    ASSERT_EQ(threads, grid * 256);
    ASSERT_EQ(Draw({seed, offset, threads, 0}, static_cast<std::uint32_t>(numel)), expected);
  }
}

TEST(TorchCudaNoiseTest, IsTheSameFused) {
  for (std::uint64_t draw = 0; draw < std::uint64_t{1} << 32; draw += draw < 1 << 25 ? 251 : 65521) {
    const float number = static_cast<float>(static_cast<std::uint32_t>(draw));
    const float fused = std::fma(number, 0x1p-32f, 0x1p-33f);
    ASSERT_EQ(TorchCudaNoise(static_cast<std::uint32_t>(draw)), fused == 1.0f ? 0.0f : fused) << draw;
  }
}

TEST(TorchCudaNoiseTest, OneBecomesZero) {
  EXPECT_EQ(TorchCudaNoise(0xffffff80u), 0.0f);
  EXPECT_EQ(TorchCudaNoise(0xffffffffu), 0.0f);
  EXPECT_EQ(TorchCudaNoise(0xffffff7fu), 1.0f - 0x1p-24f);
  EXPECT_EQ(TorchCudaNoise(0), 0x1p-33f);
}

// Where the noise loses bits, and at both ends; zeros are the lowest.
TEST(TorchCudaNoiseTest, KeysOrderAsTheNoiseDoes) {
  EXPECT_LT(KeyOfTorchCudaNoise(0.0f), KeyOfTorchCudaNoise(0x1p-33f));
  for (int exponent = 0; exponent < 32; ++exponent) {
    for (std::int64_t distance = -600; distance < 600; ++distance) {
      const std::int64_t draw = (std::int64_t{1} << exponent) + distance;
      if (draw < 0 || draw + 1 >= 0xffffff80) continue;
      const float low = TorchCudaNoise(static_cast<std::uint32_t>(draw));
      const float high = TorchCudaNoise(static_cast<std::uint32_t>(draw + 1));
      ASSERT_EQ(low < high, KeyOfTorchCudaNoise(low) < KeyOfTorchCudaNoise(high)) << draw;
      ASSERT_EQ(low == high, KeyOfTorchCudaNoise(low) == KeyOfTorchCudaNoise(high)) << draw;
    }
  }
}

}  // namespace
}  // namespace maskd
