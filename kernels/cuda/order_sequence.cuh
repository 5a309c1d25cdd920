// Ordering a sequence within a block: noise, order and results, with everything
// between them in registers and shared memory.
//
// One block a sequence, four consecutive tokens a thread. P, a power of two and
// four times the threads of a block, is the padded length; L <= P <= 4096.
//
// Two ways to rank, because drawn noise is uniform and provided noise is not:
// * Drawn: P buckets by the top bits of the key, which hold at most one token on
//   average; then a token counts the lower ones of its own bucket. A few
//   instructions a token. Right for any keys, fast for uniform ones.
// * Provided: a bitonic sort of (key, index), which takes the same time for all
//   keys, equal ones too. Provided noise comes over the bus at less than the
//   speed of this sort.
#ifndef MASKD_KERNELS_CUDA_ORDER_SEQUENCE_CUH_
#define MASKD_KERNELS_CUDA_ORDER_SEQUENCE_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/cuda/block_sum.cuh"
#include "kernels/cuda/draw_keys.cuh"
#include "kernels/cuda/order_tokens_short.h"
#include "kernels/cuda/write_results.cuh"

namespace maskd {

inline constexpr unsigned kMaxOrderThreads = kMaxShortLength / kQuad;

// Bits of an index in a sort key: log2 of kMaxShortLength. A 32-bit noise key
// above it leaves 20 bits at the top, free for tiers.
inline constexpr int kIndexBits = 12;
static_assert(kMaxShortLength == 1 << kIndexBits);

// Threads of a block that orders sequences of this length, at least `min_threads`,
// a power of two; and the dynamic shared memory of it.
inline unsigned OrderThreads(std::int64_t sequence_length, unsigned min_threads) {
  const unsigned quads = (static_cast<unsigned>(sequence_length) + kQuad - 1) / kQuad;
  return std::max(min_threads, std::bit_ceil(quads));
}
inline std::size_t OrderSharedBytes(unsigned threads) {
  return std::size_t{kQuad} * threads * sizeof(std::uint64_t);
}

// visit(constant) with `source` as a std::integral_constant, for a kernel of its
// own for each.
template <typename Visit>
cudaError_t WithNoiseSource(NoiseSource source, const Visit& visit) {
  switch (source) {
    case NoiseSource::kSeeded:
      return visit(std::integral_constant<NoiseSource, NoiseSource::kSeeded>());
    case NoiseSource::kProvided:
      return visit(std::integral_constant<NoiseSource, NoiseSource::kProvided>());
    case NoiseSource::kTorchCpu:
      return visit(std::integral_constant<NoiseSource, NoiseSource::kTorchCpu>());
    case NoiseSource::kTorchCuda:
      return visit(std::integral_constant<NoiseSource, NoiseSource::kTorchCuda>());
  }
  return cudaErrorInvalidValue;
}

struct RankedToken {
  std::uint32_t token;
  std::uint32_t rank;
};

// The four tokens of a thread, not necessarily its own; none is at or beyond L
// while its rank is below L.
struct RankedQuad {
  RankedToken at[kQuad];
};

// Ranks of this thread's own tokens by keys of `key_bits` <= 32. `shared` holds
// 2 * P words, aligned to 16 bytes; the caller synchronizes before it uses them
// again.
__device__ inline RankedQuad RankByBuckets(const QuadKeys& keys, int key_bits, std::uint32_t length,
                                           std::uint32_t* shared) {
  const std::uint32_t padded_length = kQuad * blockDim.x;
  const int index_bits = 31 - __clz(static_cast<int>(padded_length));
  const int bucket_shift = key_bits - index_bits;
  std::uint32_t* const bucket_begin = shared;              // [P], sizes of the buckets at first
  std::uint32_t* const bucketed = shared + padded_length;  // [P]
  const std::uint32_t first = kQuad * threadIdx.x;

  uint4* const own_buckets = reinterpret_cast<uint4*>(bucket_begin) + threadIdx.x;
  *own_buckets = make_uint4(0, 0, 0, 0);
  __syncthreads();
  std::uint32_t place_in_bucket[kQuad];  // in order of arrival, which does not show in the ranks
#pragma unroll
  for (std::uint32_t i = 0; i < kQuad; ++i) {
    if (first + i < length) place_in_bucket[i] = atomicAdd(&bucket_begin[keys.key[i] >> bucket_shift], 1u);
  }
  __syncthreads();
  const uint4 sizes = *own_buckets;
  const std::uint32_t begin = BlockExclusiveSum(sizes.x + sizes.y + sizes.z + sizes.w);
  *own_buckets =
      make_uint4(begin, begin + sizes.x, begin + sizes.x + sizes.y, begin + sizes.x + sizes.y + sizes.z);
  __syncthreads();

  // (key, index) of tokens of one bucket, in one word: what shifting the key
  // pushes out at the top is the number of the bucket, or a part of it.
  std::uint32_t packed[kQuad];
#pragma unroll
  for (std::uint32_t i = 0; i < kQuad; ++i) {
    packed[i] = keys.key[i] << index_bits | (first + i);
    if (first + i < length)
      bucketed[bucket_begin[keys.key[i] >> bucket_shift] + place_in_bucket[i]] = packed[i];
  }
  __syncthreads();
  RankedQuad ranked;
#pragma unroll
  for (std::uint32_t i = 0; i < kQuad; ++i) {
    ranked.at[i] = {first + i, length};
    if (first + i >= length) continue;
    const std::uint32_t bucket = keys.key[i] >> bucket_shift;
    const std::uint32_t bucket_first = bucket_begin[bucket];
    const std::uint32_t bucket_end = bucket + 1 < padded_length ? bucket_begin[bucket + 1] : length;
    std::uint32_t rank = bucket_first;
    for (std::uint32_t j = bucket_first; j < bucket_end; ++j) rank += bucketed[j] < packed[i] ? 1 : 0;
    ranked.at[i].rank = rank;
  }
  return ranked;
}

// Tokens of ranks t, t + P/4, .. for thread t, by 32-bit keys. `sorted` holds P
// entries; the caller synchronizes before it uses them again.
__device__ inline RankedQuad RankBySort(const QuadKeys& keys, std::uint32_t length, std::uint64_t* sorted) {
  const std::uint32_t padded_length = kQuad * blockDim.x;
#pragma unroll
  for (std::uint32_t i = 0; i < kQuad; ++i) {
    const std::uint32_t token = kQuad * threadIdx.x + i;
    // Padding is above every key and index, so it ends up at L and beyond.
    sorted[token] = token < length ? std::uint64_t{keys.key[i]} << kIndexBits | token : ~std::uint64_t{0};
  }
  __syncthreads();
  for (std::uint32_t run = 2; run <= padded_length; run *= 2) {
    for (std::uint32_t distance = run / 2; distance > 0; distance /= 2) {
      for (std::uint32_t pair = threadIdx.x; pair < padded_length / 2; pair += blockDim.x) {
        const std::uint32_t low = 2 * pair - (pair & (distance - 1));
        const std::uint32_t high = low + distance;
        const bool ascending = (low & run) == 0;
        const std::uint64_t a = sorted[low];
        const std::uint64_t b = sorted[high];
        if ((a > b) == ascending) {
          sorted[low] = b;
          sorted[high] = a;
        }
      }
      __syncthreads();
    }
  }
  RankedQuad ranked;
#pragma unroll
  for (std::uint32_t i = 0; i < kQuad; ++i) {
    const std::uint32_t rank = threadIdx.x + i * blockDim.x;
    ranked.at[i] = {static_cast<std::uint32_t>(sorted[rank]) & ((1u << kIndexBits) - 1), rank};
  }
  return ranked;
}

// Puts the kept tokens into ascending order of their index: changes ranks [P]
// and the first K of order [P]. The caller synchronizes before and after.
__device__ inline void OrderKeptByIndex(std::uint32_t length, std::uint32_t num_keep, std::uint32_t* ranks,
                                        std::uint32_t* order) {
  const std::uint32_t first = kQuad * threadIdx.x;
  bool kept[kQuad];
  std::uint32_t num_kept = 0;
#pragma unroll
  for (std::uint32_t i = 0; i < kQuad; ++i) {
    kept[i] = first + i < length && ranks[first + i] < num_keep;
    num_kept += kept[i] ? 1 : 0;
  }
  std::uint32_t rank = BlockExclusiveSum(num_kept);
#pragma unroll
  for (std::uint32_t i = 0; i < kQuad; ++i) {
    if (!kept[i]) continue;
    ranks[first + i] = rank;
    order[rank] = first + i;
    ++rank;
  }
}

// Both in shared memory, each other's inverse.
struct SequenceOrder {
  std::uint32_t* ranks;  // [P], of each token below L
  std::uint32_t* order;  // [P], the token of each rank below L
};

// The order of sequence n, ready for all threads. `shared` holds 8 * P bytes.
template <NoiseSource kSource>
__device__ SequenceOrder OrderSequence(const OrderTokens& op, std::int64_t n, uint4* shared) {
  const std::uint32_t length = static_cast<std::uint32_t>(op.sequence_length);
  std::uint32_t* const ranks = reinterpret_cast<std::uint32_t*>(shared);  // [P]
  std::uint32_t* const order = ranks + kQuad * blockDim.x;                // [P]

  QuadKeys keys = {};
  if (kQuad * threadIdx.x < length) keys = DrawKeys<kSource>(op, n, threadIdx.x);
  const RankedQuad ranked = kSource == NoiseSource::kProvided
                                ? RankBySort(keys, length, reinterpret_cast<std::uint64_t*>(shared))
                                : RankByBuckets(keys, KeyBits(kSource), length, ranks);
  __syncthreads();
#pragma unroll
  for (const RankedToken& at : ranked.at) {
    if (at.rank >= length) continue;
    ranks[at.token] = at.rank;
    order[at.rank] = at.token;
  }
  __syncthreads();
  if (op.kept_order == KeptOrder::kRaster) {
    OrderKeptByIndex(length, static_cast<std::uint32_t>(op.num_keep), ranks, order);
    __syncthreads();
  }
  return {ranks, order};
}

// Writes the results of sequence n that are wanted, but for the noise.
__device__ inline void WriteSequence(const OrderTokens& op, std::int64_t n, const SequenceOrder& sequence) {
  const std::uint32_t length = static_cast<std::uint32_t>(op.sequence_length);
  for (std::uint32_t rank = threadIdx.x; rank < length; rank += blockDim.x) {
    if (rank < op.num_keep) {
      WriteKept(op, n, rank, sequence.order[rank]);
    } else {
      WriteRemoved(op, n, rank, sequence.order[rank]);
    }
  }
  // Whole warps: blocks are whole warps, and `first` is the same for all threads.
  for (std::uint32_t first = 0; first < length; first += blockDim.x) {
    const std::uint32_t token = first + threadIdx.x;
    WriteToken(op, n, token, token < length ? sequence.ranks[token] : 0);
  }
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_ORDER_SEQUENCE_CUH_
