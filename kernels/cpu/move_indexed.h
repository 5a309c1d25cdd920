// gather, scatter and scatter_add.
#ifndef MASKD_KERNELS_CPU_MOVE_INDEXED_H_
#define MASKD_KERNELS_CPU_MOVE_INDEXED_H_

#include <cstddef>

#include "absl/status/status.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/tensor_plans.h"

namespace maskd {

// As the functions of TensorOps.
absl::Status GatherIndexed(const IndexPlan& plan, const std::byte* input, const std::byte* index,
                           std::byte* output, ThreadPool& threads);
absl::Status ScatterIndexed(const IndexPlan& plan, const std::byte* index, const std::byte* src,
                            std::byte* output, ThreadPool& threads);
absl::Status ScatterAddIndexed(const IndexPlan& plan, FloatType type, const std::byte* index,
                               const std::byte* src, std::byte* output, ThreadPool& threads);

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_MOVE_INDEXED_H_
