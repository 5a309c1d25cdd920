#include "kernels/cuda/masked_losses.h"

#include <cstdint>

#include "kernels/cuda/grid_stride.cuh"
#include "kernels/load_element.h"
#include "kernels/loss_terms.h"

namespace maskd {
namespace {

// A warp a term, which the row sums of loss_terms.h are made for: an element of the
// stride loops below is a lane of it, so that a warp leaves them as one.

__global__ void __launch_bounds__(kStrideThreads)
    NllTerms(const NllPlan plan, const std::byte* scores, const std::byte* target, const std::byte* mask,
             double* terms) {
  const std::int64_t row_bytes = plan.num_classes * FloatBytes(plan.score_type);
  for (GridStride at(plan.positions * kRowLanes); at.more(); at.Next()) {
    const std::int64_t position = at.i() / kRowLanes;
    if (!IsOne(plan.mask_type, mask, position)) continue;
    const double term =
        NegativeLog(plan, scores + position * row_bytes, LoadId(plan.target_type, target, position));
    if (at.i() % kRowLanes == 0) terms[position] = term;
  }
}

__global__ void __launch_bounds__(kStrideThreads)
    PatchErrors(const ReconstructionPlan plan, const std::byte* prediction, const std::byte* target,
                const std::byte* mask, double* terms) {
  for (GridStride at(plan.batch_size * plan.sequence_length * kRowLanes); at.more(); at.Next()) {
    const std::int64_t token = at.i() / kRowLanes;
    if (!IsOne(plan.mask_type, mask, token)) continue;
    const double term =
        PatchError(plan, prediction, target, token / plan.sequence_length, token % plan.sequence_length);
    if (at.i() % kRowLanes == 0) terms[token] = term;
  }
}

}  // namespace

cudaError_t LaunchNllTerms(const NllPlan& plan, const std::byte* scores, const std::byte* target,
                           const std::byte* mask, double* terms, cudaStream_t stream) {
  return Launch(StrideShape(plan.positions * kRowLanes), stream, NllTerms, plan, scores, target, mask, terms);
}

cudaError_t LaunchPatchErrors(const ReconstructionPlan& plan, const std::byte* prediction,
                              const std::byte* target, const std::byte* mask, double* terms,
                              cudaStream_t stream) {
  return Launch(StrideShape(plan.batch_size * plan.sequence_length * kRowLanes), stream, PatchErrors, plan,
                prediction, target, mask, terms);
}

}  // namespace maskd
