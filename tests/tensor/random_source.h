// Random shapes, bytes and numbers of one seed.
#ifndef MASKD_TESTS_TENSOR_RANDOM_SOURCE_H_
#define MASKD_TESTS_TENSOR_RANDOM_SOURCE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/tensor_plans.h"
#include "tests/tensor/array_bytes.h"

namespace maskd {

// Fresh each run; MASKD_TEST_SEED repeats one.
inline std::uint64_t FreshSeed() {
  const char* const given = std::getenv("MASKD_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

class RandomSource {
 public:
  explicit RandomSource(std::uint64_t seed) : random_(seed) {}

  // In [low, high].
  std::int64_t Between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  bool OneIn(std::int64_t n) { return Between(1, n) == 1; }

  template <typename Value>
  Value OneOf(const std::vector<Value>& values) {
    return values[static_cast<std::size_t>(Between(0, static_cast<std::int64_t>(values.size()) - 1))];
  }

  std::vector<std::int64_t> Permutation(std::int64_t size) {
    std::vector<std::int64_t> ids(static_cast<std::size_t>(size));
    std::iota(ids.begin(), ids.end(), 0);
    std::shuffle(ids.begin(), ids.end(), random_);
    return ids;
  }

  // A few hundred elements at most, now and then none.
  Shape SomeShape(std::int64_t rank) {
    Shape shape(static_cast<std::size_t>(rank));
    std::int64_t room = 200;
    for (const std::int64_t d : Permutation(rank)) {
      const std::int64_t size = OneIn(25) ? 0 : Between(1, std::min<std::int64_t>(room, 6));
      shape[static_cast<std::size_t>(d)] = size;
      room /= std::max<std::int64_t>(size, 1);
    }
    return shape;
  }

  std::int64_t SomeElementBytes() { return OneOf<std::int64_t>({1, 2, 3, 4, 6, 8, 16}); }

  Bytes SomeBytes(std::int64_t count) {
    Bytes bytes(static_cast<std::size_t>(count));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
    return bytes;
  }

  // Of such magnitudes that sums depend on their order.
  std::vector<double> SomeNumbers(std::int64_t count) {
    std::vector<double> numbers(static_cast<std::size_t>(count));
    for (double& number : numbers) {
      number = std::ldexp(std::uniform_real_distribution<double>(-1, 1)(random_), int(Between(-8, 6)));
    }
    return numbers;
  }

  std::vector<int> SomeBooleans(std::int64_t count) {
    std::vector<int> booleans(static_cast<std::size_t>(count));
    for (int& boolean : booleans) boolean = int(Between(0, 1));
    return booleans;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace maskd

#endif  // MASKD_TESTS_TENSOR_RANDOM_SOURCE_H_
