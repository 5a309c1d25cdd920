#include <bit>
#include <cstddef>
#include <cstdint>
#include <cub/device/device_radix_sort.cuh>

#include "kernels/cuda/grid_stride.cuh"
#include "kernels/cuda/index_place.cuh"
#include "kernels/cuda/move_indexed.h"
#include "kernels/float_bits.h"
#include "kernels/float_types.h"

// Additions must come in row-major order, which atomic ones do not. So elements of
// the index are sorted by their place, stably, and one thread adds up the run of a
// place.
namespace maskd {
namespace {

// How a number is stored, and what it is added in.
template <FloatType kType>
struct Number;

template <>
struct Number<FloatType::kFloat32> {
  using Stored = float;
  static __device__ float Widen(float value) { return value; }
  static __device__ float Narrow(float sum) { return sum; }
};

template <>
struct Number<FloatType::kFloat64> {
  using Stored = double;
  static __device__ double Widen(double value) { return value; }
  static __device__ double Narrow(double sum) { return sum; }
};

template <>
struct Number<FloatType::kFloat16> {
  using Stored = std::uint16_t;
  static __device__ float Widen(std::uint16_t value) { return FloatOfHalf(value); }
  static __device__ std::uint16_t Narrow(float sum) { return HalfOfFloat(sum); }
};

template <>
struct Number<FloatType::kBfloat16> {
  using Stored = std::uint16_t;
  static __device__ float Widen(std::uint16_t value) { return FloatOfBfloat16(value); }
  static __device__ std::uint16_t Narrow(float sum) { return Bfloat16OfFloat(sum); }
};

// Two arrays of places and two of elements, then CUB's own.
struct Scratch {
  std::size_t words_bytes;  // of each array, a multiple of 256
  std::size_t sort_bytes;

  std::size_t total() const { return 4 * words_bytes + sort_bytes; }
};

using Words = cub::DoubleBuffer<std::uint64_t>;

cudaError_t SortByPlace(const DeviceIndex& index, void* scratch, std::size_t* scratch_bytes, Words* places,
                        Words* elements, cudaStream_t stream) {
  // input_count is a place too: that of what is out of range.
  const int bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(index.input_count)));
  return cub::DeviceRadixSort::SortPairs(scratch, *scratch_bytes, *places, *elements, index.index_count, 0,
                                         bits, stream);
}

cudaError_t LayOutScratch(const DeviceIndex& index, Scratch* scratch) {
  const std::size_t bytes = static_cast<std::size_t>(index.index_count) * sizeof(std::uint64_t);
  *scratch = {.words_bytes = (bytes + 255) / 256 * 256, .sort_bytes = 0};
  Words places;
  Words elements;
  return SortByPlace(index, nullptr, &scratch->sort_bytes, &places, &elements, nullptr);
}

__global__ void __launch_bounds__(kStrideThreads)
    WritePlaces(const DeviceIndex index, std::uint64_t* places, std::uint64_t* elements) {
  for (GridStride at(index.index_count); at.more(); at.Next()) {
    const std::int64_t place = PlaceOf(index, at.i());
    places[at.i()] = static_cast<std::uint64_t>(place >= 0 ? place : index.input_count);
    elements[at.i()] = static_cast<std::uint64_t>(at.i());
  }
}

// Element i of the sorted arrays and column c for thread i * width + c; those at the
// beginning of a run add it up.
template <FloatType kType>
__global__ void __launch_bounds__(kStrideThreads)
    AddRuns(const std::uint64_t* places, const std::uint64_t* elements, std::uint64_t count,
            std::uint64_t input_count, std::uint64_t width, const typename Number<kType>::Stored* src,
            typename Number<kType>::Stored* output) {
  for (GridStride at(static_cast<std::int64_t>(count * width)); at.more(); at.Next()) {
    const std::uint64_t first = static_cast<std::uint64_t>(at.i()) / width;
    const std::uint64_t column = static_cast<std::uint64_t>(at.i()) % width;
    const std::uint64_t place = places[first];
    if (place == input_count || (first > 0 && places[first - 1] == place)) continue;
    auto sum = Number<kType>::Widen(output[place * width + column]);
    for (std::uint64_t i = first; i < count && places[i] == place; ++i)
      sum = CanonicalNan(sum + Number<kType>::Widen(src[elements[i] * width + column]));
    output[place * width + column] = Number<kType>::Narrow(sum);
  }
}

template <FloatType kType>
cudaError_t LaunchAddRuns(const DeviceIndex& index, Words& places, Words& elements, const std::byte* src,
                          std::byte* output, cudaStream_t stream) {
  using Stored = typename Number<kType>::Stored;
  const std::int64_t width = index.row_bytes / static_cast<std::int64_t>(sizeof(Stored));
  return Launch(StrideShape(index.index_count * width), stream, AddRuns<kType>, places.Current(),
                elements.Current(), static_cast<std::uint64_t>(index.index_count),
                static_cast<std::uint64_t>(index.input_count), static_cast<std::uint64_t>(width),
                reinterpret_cast<const Stored*>(src), reinterpret_cast<Stored*>(output));
}

}  // namespace

cudaError_t GetScatterAddScratchBytes(const DeviceIndex& index, std::size_t* bytes) {
  Scratch layout;
  const cudaError_t error = LayOutScratch(index, &layout);
  *bytes = error == cudaSuccess ? layout.total() : 0;
  return error;
}

cudaError_t LaunchScatterAdd(const DeviceIndex& index, FloatType type, const std::byte* src,
                             std::byte* scratch, std::size_t scratch_bytes, std::byte* output,
                             cudaStream_t stream) {
  if (index.row_bytes == 0) return cudaSuccess;
  Scratch layout;
  if (const cudaError_t error = LayOutScratch(index, &layout); error != cudaSuccess) return error;
  if (scratch_bytes < layout.total()) return cudaErrorInvalidValue;
  const auto array = [&](std::size_t i) {
    return reinterpret_cast<std::uint64_t*>(scratch + i * layout.words_bytes);
  };
  Words places(array(0), array(1));
  Words elements(array(2), array(3));
  if (const cudaError_t error = Launch(StrideShape(index.index_count), stream, WritePlaces, index,
                                       places.Current(), elements.Current());
      error != cudaSuccess) {
    return error;
  }
  if (const cudaError_t error = SortByPlace(index, scratch + 4 * layout.words_bytes, &layout.sort_bytes,
                                            &places, &elements, stream);
      error != cudaSuccess) {
    return error;
  }
  switch (type) {
    case FloatType::kFloat32:
      return LaunchAddRuns<FloatType::kFloat32>(index, places, elements, src, output, stream);
    case FloatType::kFloat16:
      return LaunchAddRuns<FloatType::kFloat16>(index, places, elements, src, output, stream);
    case FloatType::kBfloat16:
      return LaunchAddRuns<FloatType::kBfloat16>(index, places, elements, src, output, stream);
    case FloatType::kFloat64:
      return LaunchAddRuns<FloatType::kFloat64>(index, places, elements, src, output, stream);
  }
  return cudaErrorInvalidValue;
}

}  // namespace maskd
