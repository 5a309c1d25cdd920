// Operands and results of one masking in device memory.
#ifndef MASKD_TESTS_BENCHMARK_MASKER_DEVICE_BATCH_H_
#define MASKD_TESTS_BENCHMARK_MASKER_DEVICE_BATCH_H_

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/cuda_handles.h"
#include "kernels/cuda/gather_tokens.h"
#include "kernels/cuda/order_tokens.h"
#include "tests/benchmark/masker/batch_shape.h"
#include "tests/benchmark/masker/expected_results.h"

namespace maskd::bench {

class DeviceBatch {
 public:
  // Enqueues filling the tokens (token_pattern.h) on `stream`.
  DeviceBatch(const BatchShape& shape, cudaStream_t stream);

  // Enqueues the whole masking. `scratch` has what LaunchOrderTokens needs.
  void Enqueue(const DeviceBuffer& scratch, cudaStream_t stream) const;

  // Compares every byte of the results; ends the benchmark at a difference.
  void CheckResults(const ExpectedResults& expected, cudaStream_t stream) const;

  const OrderTokens& order() const { return order_; }

  // Of device memory, for a batch of `shape`.
  static std::int64_t Bytes(const BatchShape& shape);

 private:
  BatchShape shape_;
  DeviceBuffer memory_;
  OrderTokens order_;
  GatherTokens gather_;
};

}  // namespace maskd::bench

#endif  // MASKD_TESTS_BENCHMARK_MASKER_DEVICE_BATCH_H_
