#include "kernels/cuda/order_tokens_long.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>

#include "kernels/cuda/draw_keys.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/write_results.cuh"

// A slice of samples at a time: one radix sort of words (sample, key, index)
// serves one sequence of 2^24 tokens and 256 of a few thousand alike, where a
// sort a sequence or a block a sequence is slow for one of them. The index rides
// along unsorted: the sort is stable, and starts in ascending index.
namespace maskd {
namespace {

// 32 MiB of words, which stay in the L2 of large devices between the passes.
constexpr std::int64_t kSliceTokens = std::int64_t{1} << 22;

// With keys of 32 bits and indices of 24, 8 bits of a word are left for the sample.
constexpr std::int64_t kMaxSliceSamples = 256;

constexpr unsigned kBlockThreads = 256;

// Layout of the words: index at the bottom, then key, then sample of the slice.
struct WordBits {
  int index;
  int key;
  int sample;
};

// Where a slice keeps what. T is the number of its tokens.
struct Slice {
  std::int64_t first_sample;
  const std::uint64_t* sorted;  // [T]
  std::uint32_t* ranks;         // [T]
  std::uint32_t* kept_below;    // [T]: kept tokens of the slice before this one; 1 for a kept token at first
  int index_bits;
};

// How a scratch block is laid out: two arrays of words, then CUB's own.
struct ScratchLayout {
  std::int64_t slice_samples;
  std::size_t words_bytes;  // of each array, a multiple of 256
  std::size_t sort_bytes;
  std::size_t scan_bytes;

  std::size_t total() const { return 2 * words_bytes + std::max(sort_bytes, scan_bytes); }
};

WordBits WordBitsOf(const OrderTokens& op, std::int64_t num_samples) {
  return {.index = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(op.sequence_length - 1))),
          .key = KeyBits(op.noise.source),
          .sample = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(num_samples - 1)))};
}

cudaError_t SortWords(void* scratch, std::size_t* scratch_bytes, cub::DoubleBuffer<std::uint64_t>* words,
                      std::int64_t count, const WordBits& bits, cudaStream_t stream) {
  return cub::DeviceRadixSort::SortKeys(scratch, *scratch_bytes, *words, static_cast<int>(count), bits.index,
                                        bits.index + bits.key + bits.sample, stream);
}

cudaError_t SumBelow(void* scratch, std::size_t* scratch_bytes, std::uint32_t* values, std::int64_t count,
                     cudaStream_t stream) {
  return cub::DeviceScan::ExclusiveSum(scratch, *scratch_bytes, values, values, static_cast<int>(count),
                                       stream);
}

cudaError_t LayOutScratch(const OrderTokens& op, ScratchLayout* layout) {
  const std::int64_t samples = std::min(
      {std::max<std::int64_t>(1, kSliceTokens / op.sequence_length), kMaxSliceSamples, op.batch_size});
  const std::int64_t tokens = samples * op.sequence_length;  // < 2^25
  *layout = {.slice_samples = samples,
             .words_bytes = (static_cast<std::size_t>(tokens) * sizeof(std::uint64_t) + 255) / 256 * 256,
             .sort_bytes = 0,
             .scan_bytes = 0};
  cub::DoubleBuffer<std::uint64_t> words;
  if (const cudaError_t error =
          SortWords(nullptr, &layout->sort_bytes, &words, tokens, WordBitsOf(op, samples), nullptr);
      error != cudaSuccess) {
    return error;
  }
  return SumBelow(nullptr, &layout->scan_bytes, nullptr, tokens, nullptr);
}

// Grid of all three kernels below: x over the tokens of a sequence, y over the
// samples of the slice.

template <NoiseSource kSource>
__global__ void __launch_bounds__(kBlockThreads)
    DrawWords(const OrderTokens op, std::int64_t first_sample, WordBits bits, std::uint64_t* words) {
  const std::uint32_t quad = blockIdx.x * kBlockThreads + threadIdx.x;
  const std::uint32_t length = static_cast<std::uint32_t>(op.sequence_length);
  if (kQuad * quad >= length) return;
  const QuadKeys keys = DrawKeys<kSource>(op, first_sample + blockIdx.y, quad);
  const std::uint64_t sample = std::uint64_t{blockIdx.y} << (bits.index + bits.key);
  std::uint64_t* const row = words + blockIdx.y * op.sequence_length;
#pragma unroll
  for (std::uint32_t i = 0; i < kQuad; ++i) {
    const std::uint32_t token = kQuad * quad + i;
    if (token < length) row[token] = sample | std::uint64_t{keys.key[i]} << bits.index | token;
  }
}

decltype(&DrawWords<NoiseSource::kSeeded>) DrawWordsOf(NoiseSource source) {
  switch (source) {
    case NoiseSource::kSeeded:
      return DrawWords<NoiseSource::kSeeded>;
    case NoiseSource::kProvided:
      return DrawWords<NoiseSource::kProvided>;
    case NoiseSource::kTorchCpu:
      return DrawWords<NoiseSource::kTorchCpu>;
    case NoiseSource::kTorchCuda:
      return DrawWords<NoiseSource::kTorchCuda>;
  }
  return nullptr;
}

// From order to ranks, and what is written in order.
__global__ void __launch_bounds__(kBlockThreads) RankTokens(const OrderTokens op, const Slice slice) {
  const std::uint32_t rank = blockIdx.x * kBlockThreads + threadIdx.x;
  if (rank >= op.sequence_length) return;
  const std::int64_t n = slice.first_sample + blockIdx.y;
  const std::int64_t row = blockIdx.y * op.sequence_length;
  const std::uint32_t index_mask = (1u << slice.index_bits) - 1;
  const std::uint32_t token = static_cast<std::uint32_t>(slice.sorted[row + rank]) & index_mask;
  const bool kept = rank < op.num_keep;
  slice.ranks[row + token] = rank;
  if (!kept) WriteRemoved(op, n, rank, token);
  if (op.kept_order == KeptOrder::kRaster) {
    slice.kept_below[row + token] = kept ? 1 : 0;
  } else if (kept) {
    WriteKept(op, n, rank, token);
  }
}

// What is written in the order of the tokens. Whole warps, for WriteToken.
__global__ void __launch_bounds__(kBlockThreads) WriteTokens(const OrderTokens op, const Slice slice) {
  const std::uint32_t token = blockIdx.x * kBlockThreads + threadIdx.x;
  const std::int64_t n = slice.first_sample + blockIdx.y;
  const std::int64_t row = blockIdx.y * op.sequence_length;
  const bool exists = token < op.sequence_length;
  std::uint32_t rank = exists ? slice.ranks[row + token] : 0;
  if (exists && rank < op.num_keep && op.kept_order == KeptOrder::kRaster) {
    // Every sequence of the slice before this one keeps K.
    rank = static_cast<std::uint32_t>(slice.kept_below[row + token] - blockIdx.y * op.num_keep);
    WriteKept(op, n, rank, token);
  }
  WriteToken(op, n, token, rank);
}

dim3 GridOf(std::int64_t threads, std::int64_t samples) {
  return dim3(static_cast<unsigned>((threads + kBlockThreads - 1) / kBlockThreads),
              static_cast<unsigned>(samples));
}

cudaError_t LaunchSlice(const OrderTokens& op, std::int64_t first_sample, std::int64_t num_samples,
                        const ScratchLayout& layout, std::byte* scratch, cudaStream_t stream) {
  const std::int64_t tokens = num_samples * op.sequence_length;
  const WordBits bits = WordBitsOf(op, num_samples);
  const LaunchShape by_quad = {.grid = GridOf((op.sequence_length + kQuad - 1) / kQuad, num_samples),
                               .block = dim3(kBlockThreads)};
  const LaunchShape by_token = {.grid = GridOf(op.sequence_length, num_samples),
                                .block = dim3(kBlockThreads)};
  cub::DoubleBuffer<std::uint64_t> words(reinterpret_cast<std::uint64_t*>(scratch),
                                         reinterpret_cast<std::uint64_t*>(scratch + layout.words_bytes));
  std::byte* const cub_scratch = scratch + 2 * layout.words_bytes;
  std::size_t sort_bytes = layout.sort_bytes;
  std::size_t scan_bytes = layout.scan_bytes;

  if (const cudaError_t error =
          Launch(by_quad, stream, DrawWordsOf(op.noise.source), op, first_sample, bits, words.Current());
      error != cudaSuccess) {
    return error;
  }
  if (const cudaError_t error = SortWords(cub_scratch, &sort_bytes, &words, tokens, bits, stream);
      error != cudaSuccess) {
    return error;
  }
  // The sort is done with the other array: 8 bytes a token, for two words of 4.
  const Slice slice = {.first_sample = first_sample,
                       .sorted = words.Current(),
                       .ranks = reinterpret_cast<std::uint32_t*>(words.Alternate()),
                       .kept_below = reinterpret_cast<std::uint32_t*>(words.Alternate()) + tokens,
                       .index_bits = bits.index};
  if (const cudaError_t error = Launch(by_token, stream, RankTokens, op, slice); error != cudaSuccess)
    return error;
  const bool raster = op.kept_order == KeptOrder::kRaster;
  if (raster) {
    if (const cudaError_t error = SumBelow(cub_scratch, &scan_bytes, slice.kept_below, tokens, stream);
        error != cudaSuccess) {
      return error;
    }
  }
  if (!raster && op.results.mask == nullptr && op.results.ids_restore == nullptr) return cudaSuccess;
  return Launch(by_token, stream, WriteTokens, op, slice);
}

}  // namespace

cudaError_t GetOrderLongScratchBytes(const OrderTokens& op, std::size_t* bytes) {
  ScratchLayout layout;
  const cudaError_t error = LayOutScratch(op, &layout);
  *bytes = error == cudaSuccess ? layout.total() : 0;
  return error;
}

cudaError_t LaunchOrderLong(const OrderTokens& op, std::byte* scratch, std::size_t scratch_bytes,
                            cudaStream_t stream) {
  ScratchLayout layout;
  if (const cudaError_t error = LayOutScratch(op, &layout); error != cudaSuccess) return error;
  if (scratch_bytes < layout.total()) return cudaErrorInvalidValue;
  for (std::int64_t first = 0; first < op.batch_size; first += layout.slice_samples) {
    const std::int64_t samples = std::min(layout.slice_samples, op.batch_size - first);
    if (const cudaError_t error = LaunchSlice(op, first, samples, layout, scratch, stream);
        error != cudaSuccess) {
      return error;
    }
  }
  return cudaSuccess;
}

}  // namespace maskd
