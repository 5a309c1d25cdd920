// The kernels' CPU backend in the caller's process, called as a server is: the same
// results, without one.
#ifndef MASKD_CLIENT_IN_PROCESS_KERNELS_H_
#define MASKD_CLIENT_IN_PROCESS_KERNELS_H_

#include <cstddef>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "client/attempt.h"
#include "client/masking_client.h"
#include "client/tensor_client.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "kernels/tensor_ops.h"

namespace maskd {

// Thread-safe: calls may overlap, and share the threads.
//
// Calls return what TensorClient and MaskingClient do, with the same sentences, but
// RESOURCE_EXHAUSTED only if there is no memory. Masking ends soon after the scope
// does; a tensor operation is not begun then, and runs to its end once it was.
class InProcessKernels {
 public:
  // On `num_threads` threads, the caller's included; 0 takes one a core.
  explicit InProcessKernels(int num_threads);

  // `tokens` are of the size that the plan states.
  absl::StatusOr<MaskingFacts> Mask(const MaskingPlan& plan, std::span<const std::byte> tokens,
                                    const MaskingBuffers& results, const CallScope& scope);

  absl::StatusOr<Tensor> RestoreTokens(const RestoreTokensArguments& arguments, const CallScope& scope);
  absl::StatusOr<Tensor> Gather(const GatherArguments& arguments, const CallScope& scope);
  absl::StatusOr<Tensor> Scatter(const ScatterArguments& arguments, const CallScope& scope);
  absl::StatusOr<Tensor> ScatterAdd(const ScatterArguments& arguments, const CallScope& scope);
  absl::StatusOr<Tensor> MaskedSelect(const MaskedSelectArguments& arguments, const CallScope& scope);
  absl::StatusOr<PaddedTensors> PadSequences(const PadSequencesArguments& arguments, const CallScope& scope);
  absl::StatusOr<MaskedMean> MaskedNllLoss(const MaskedNllLossArguments& arguments, const CallScope& scope);
  absl::StatusOr<MaskedMean> MaskedReconstructionLoss(const MaskedReconstructionLossArguments& arguments,
                                                      const CallScope& scope);

  // Of this process. Bounds that it does not have are INT64_MAX.
  ServerInfo GetServerInfo() const;

 private:
  const std::unique_ptr<Masker> masker_;
  const std::unique_ptr<TensorOps> ops_;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_IN_PROCESS_KERNELS_H_
