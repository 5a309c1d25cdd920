// The tensor operations of the CPU behind plain C functions, for
// tensor_ops_bench.py to time beside PyTorch in one process.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "kernels/cpu/scan_index.h"
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
void MaskdBenchGatherUnchecked(std::int64_t n, std::int64_t l, std::int64_t d, std::int64_t k, int rows,
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

// The check of an index alone, in rows as gather has it. Returns whether it is
// in range.
int MaskdBenchCheck(const std::int64_t* index, std::int64_t rows, std::int64_t columns, std::int64_t size) {
  int in_range = 1;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::span piece(index + row * columns, static_cast<std::size_t>(columns));
    in_range &= maskd::ScanIndex(piece, size).in_range ? 1 : 0;
  }
  return in_range;
}

void MaskdBenchCopy(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }

}  // extern "C"
