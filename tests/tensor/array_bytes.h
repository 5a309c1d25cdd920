// Arrays as bytes.
#ifndef MASKD_TESTS_TENSOR_ARRAY_BYTES_H_
#define MASKD_TESTS_TENSOR_ARRAY_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>
#include <vector>

#include "kernels/float_types.h"
#include "kernels/tensor_plans.h"

namespace maskd {

using Bytes = std::vector<std::byte>;

inline std::int64_t Product(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

template <typename Value>
Bytes BytesOf(const std::vector<Value>& values) {
  Bytes bytes(values.size() * sizeof(Value));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <typename Value>
std::vector<Value> ValuesOf(const Bytes& bytes) {
  std::vector<Value> values(bytes.size() / sizeof(Value));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

inline Bytes IdsOf(IdsType type, const std::vector<std::int64_t>& ids) {
  if (type == IdsType::kInt64) return BytesOf(ids);
  if (type == IdsType::kInt32) return BytesOf(std::vector<std::int32_t>(ids.begin(), ids.end()));
  return BytesOf(std::vector<std::uint16_t>(ids.begin(), ids.end()));
}

inline Bytes BooleansOf(BooleanType type, const std::vector<int>& booleans) {
  if (type == BooleanType::kUint8)
    return BytesOf(std::vector<std::uint8_t>(booleans.begin(), booleans.end()));
  return BytesOf(std::vector<float>(booleans.begin(), booleans.end()));
}

// Each rounded to `type`.
inline Bytes FloatsOf(FloatType type, const std::vector<double>& values) {
  if (type == FloatType::kFloat64) return BytesOf(values);
  const std::vector<float> floats(values.begin(), values.end());
  if (type == FloatType::kFloat32) return BytesOf(floats);
  std::vector<std::uint16_t> bits;
  for (const float value : floats) {
    bits.push_back(type == FloatType::kFloat16 ? HalfOfFloat(value) : Bfloat16OfFloat(value));
  }
  return BytesOf(bits);
}

inline std::vector<double> DoublesOf(FloatType type, const Bytes& bytes) {
  std::vector<double> values(bytes.size() / static_cast<std::size_t>(FloatBytes(type)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = LoadFloat(type, bytes.data(), static_cast<std::int64_t>(i));
  }
  return values;
}

// Elements i to i + count of `bytes`.
inline Bytes Elements(const Bytes& bytes, std::int64_t element_bytes, std::int64_t i,
                      std::int64_t count = 1) {
  return {bytes.begin() + i * element_bytes, bytes.begin() + (i + count) * element_bytes};
}

inline void Append(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

}  // namespace maskd

#endif  // MASKD_TESTS_TENSOR_ARRAY_BYTES_H_
