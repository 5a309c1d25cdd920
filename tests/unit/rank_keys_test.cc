#include "kernels/cpu/rank_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace maskd {
namespace {

struct KeyDistribution {
  const char* name;
  // Key of index i of `length`; `random` gives 32 bits. Cut to the key's width.
  std::uint32_t (*key)(std::int64_t i, std::int64_t length, std::mt19937& random);
};

std::ostream& operator<<(std::ostream& out, const KeyDistribution& d) { return out << d.name; }

constexpr KeyDistribution kDistributions[] = {
    {"Uniform", [](std::int64_t, std::int64_t, std::mt19937& random) { return std::uint32_t(random()); }},
    {"AllZero", [](std::int64_t, std::int64_t, std::mt19937&) { return 0u; }},
    {"AllLargest", [](std::int64_t, std::int64_t, std::mt19937&) { return ~0u; }},
    {"AllEqual", [](std::int64_t, std::int64_t, std::mt19937&) { return 0x123456u; }},
    {"Sorted", [](std::int64_t i, std::int64_t, std::mt19937&) { return std::uint32_t(i); }},
    {"Reversed",
     [](std::int64_t i, std::int64_t length, std::mt19937&) { return std::uint32_t(length - i); }},
    {"SortedInHighBits", [](std::int64_t i, std::int64_t, std::mt19937&) { return std::uint32_t(i) << 8; }},
    {"TwoValues",
     [](std::int64_t, std::int64_t, std::mt19937& random) { return std::uint32_t(random() & 1u); }},
    {"TwoExtremes",
     [](std::int64_t, std::int64_t, std::mt19937& random) { return 0u - std::uint32_t(random() & 1u); }},
    {"LowByteAlone",
     [](std::int64_t, std::int64_t, std::mt19937& random) { return std::uint32_t(random() & 0xffu); }},
    {"MiddleByteAlone",
     [](std::int64_t, std::int64_t, std::mt19937& random) { return std::uint32_t(random() & 0xff00u); }},
    {"HighByteAlone",
     [](std::int64_t, std::int64_t, std::mt19937& random) { return std::uint32_t(random() & 0xff0000u); }},
    {"OneOutlier",
     [](std::int64_t i, std::int64_t length, std::mt19937&) { return i == length / 2 ? 0u : ~0u; }},
    {"OrganPipe", [](std::int64_t i, std::int64_t length,
                     std::mt19937&) { return std::uint32_t(std::min(i, length - i)); }},
};

class KeyRankerTest : public ::testing::TestWithParam<std::tuple<int, bool, KeyDistribution>> {};

TEST_P(KeyRankerTest, IsTheStableOrder) {
  const auto& [key_bits, uniform, distribution] = GetParam();
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE("random seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const std::int64_t length : {1,   2,   3,    31,   32,   33,   63,    64,    65,    196,  255,
                                    256, 257, 1000, 4095, 4096, 4097, 20000, 65535, 65536, 65537}) {
    // Buckets of keys that are not uniform may take quadratic time.
    if (uniform && length > 4097 && std::string(distribution.name) != "Uniform") break;
    SCOPED_TRACE("L " + std::to_string(length));
    KeyRanker ranker(length, key_bits, uniform);
    for (int repeat = 0; repeat < 2; ++repeat) {  // scratch memory is used again
      const auto size = static_cast<std::size_t>(length);
      std::vector<std::uint32_t> keys(size);
      for (std::int64_t i = 0; i < length; ++i) {
        keys[static_cast<std::size_t>(i)] =
            distribution.key(i, length, random) & (0xffffffffu >> (32 - key_bits));
      }
      std::vector<std::uint32_t> expected(size);
      std::iota(expected.begin(), expected.end(), 0u);
      std::stable_sort(expected.begin(), expected.end(),
                       [&keys](std::uint32_t a, std::uint32_t b) { return keys[a] < keys[b]; });
      std::vector<std::uint32_t> ids_shuffle(size, 0xdeadbeef);
      std::vector<std::uint32_t> ids_restore(size, 0xdeadbeef);
      ranker.Rank(keys, ids_shuffle, ids_restore);
      ASSERT_TRUE(ids_shuffle == expected);
      for (std::uint32_t rank = 0; rank < size; ++rank) ASSERT_EQ(ids_restore[expected[rank]], rank);
    }
  }
}

std::string KeysName(const ::testing::TestParamInfo<std::tuple<int, bool, KeyDistribution>>& info) {
  const auto& [key_bits, uniform, distribution] = info.param;
  return std::string(distribution.name) + "Of" + std::to_string(key_bits) + "Bits" +
         (uniform ? "ByBuckets" : "ByDigits");
}

// Keys that are not uniform although `uniform` promised it cost time, never
// order.
INSTANTIATE_TEST_SUITE_P(Keys, KeyRankerTest,
                         ::testing::Combine(::testing::Values(24, 32), ::testing::Bool(),
                                            ::testing::ValuesIn(kDistributions)),
                         KeysName);

}  // namespace
}  // namespace maskd
