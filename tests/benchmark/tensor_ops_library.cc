// The tensor operations of the CPU behind plain C functions, for
// tensor_ops_bench.py to time beside PyTorch in one process.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/prefetch.h"
#include "kernels/tensor_ops.h"

extern "C" {

void* MaskdBenchNewTensorOps(int num_threads) { return maskd::MakeCpuTensorOps(num_threads).release(); }

// input float32 [N, L, D], index int64 [N, K, D], or [N, K] if `rows`, along
// dim 1. Returns 0, or 1 on an error.
int MaskdBenchGather(void* ops, std::int64_t n, std::int64_t l, std::int64_t d, std::int64_t k, int rows,
                     const void* input, const void* index, void* output) {
  maskd::IndexSpec spec = {.input_shape = {n, l, d},
                           .index_shape = {n, k, d},
                           .dim = 1,
                           .index_type = maskd::IdsType::kInt64,
                           .element_bytes = 4,
                           .index_rank = 0};
  if (rows != 0) {
    spec.index_shape = {n, k};
    spec.index_rank = 2;
  }
  const auto plan = maskd::MakeIndexPlan(spec);
  if (!plan.ok()) return 1;
  return static_cast<maskd::TensorOps*>(ops)
                 ->Gather(*plan, static_cast<const std::byte*>(input), static_cast<const std::byte*>(index),
                          static_cast<std::byte*>(output))
                 .ok()
             ? 0
             : 1;
}

// What MaskdBenchGather does, by plain loops that trust the index.
void MaskdBenchGatherPlain(std::int64_t n, std::int64_t l, std::int64_t d, std::int64_t k, int rows,
                           const float* input, const std::int64_t* index, float* output) {
  for (std::int64_t i = 0; i < n * k; ++i) {
    const float* const sample = input + i / k * l * d;
    if (rows != 0) {
      std::memcpy(output + i * d, sample + index[i] * d, static_cast<std::size_t>(d) * sizeof(float));
      continue;
    }
    for (std::int64_t j = 0; j < d; ++j) output[i * d + j] = sample[index[i * d + j] * d + j];
  }
}

// The same, reading ahead as maskd does: what a check of the index is measured
// against.
void MaskdBenchGatherTrusting(std::int64_t n, std::int64_t l, std::int64_t d, std::int64_t k, int rows,
                              const float* input, const std::int64_t* index, float* output) {
  constexpr std::int64_t kBand = 32;  // columns
  for (std::int64_t sample = 0; sample < n;
       ++sample, input += l * d, index += rows != 0 ? k : k * d, output += k * d) {
    for (std::int64_t row = 0; rows != 0 && row < k; ++row) {
      const std::int64_t ahead = row + 1 < k ? index[row + 1] * d : 0;
      maskd::PrefetchRow(reinterpret_cast<const std::byte*>(input + ahead), d * std::int64_t{4});
      std::memcpy(output + row * d, input + index[row] * d, static_cast<std::size_t>(d) * sizeof(float));
    }
    for (std::int64_t band = 0; rows == 0 && band < d; band += kBand) {
      const std::int64_t end = std::min(d, band + kBand);
      const float* const ahead = end < d ? input + end : input + (sample + 1 < n ? l * d : 0);
      for (std::int64_t row = 0; row < k; ++row) {
        for (std::int64_t i = l * row / k; i < l * (row + 1) / k; ++i)
          maskd::PrefetchAll(reinterpret_cast<const std::byte*>(ahead + i * d), kBand * std::int64_t{4});
        for (std::int64_t j = band; j < end; ++j) output[row * d + j] = input[index[row * d + j] * d + j];
      }
    }
  }
}

void MaskdBenchCopy(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }

}  // extern "C"
