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

// How the kernels of a masking are launched.
enum class Way {
  kTwoLaunches,  // order, then gather: the backend's
  kEarlyStart,   // the gather starts while the order ends
  kFused,        // one kernel
};
inline constexpr Way kWays[] = {Way::kTwoLaunches, Way::kEarlyStart, Way::kFused};

class DeviceBatch {
 public:
  // Enqueues filling the tokens (token_pattern.h) on `stream`.
  DeviceBatch(const BatchShape& shape, cudaStream_t stream);

  // Whether a batch can be masked this way on the current device.
  bool Can(Way way) const;

  // Enqueues overwriting the results.
  void EnqueueClear(cudaStream_t stream) const;

  // Enqueues the whole masking. `scratch` has what LaunchOrderTokens needs.
  void Enqueue(Way way, const DeviceBuffer& scratch, cudaStream_t stream) const;

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
