// Tensor operations on one device: the seam between maskd and its backends.
#ifndef MASKD_KERNELS_TENSOR_OPS_H_
#define MASKD_KERNELS_TENSOR_OPS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/tensor_plans.h"

namespace maskd {

// Arrays are in host memory, row-major and contiguous, of the sizes that the
// plan states, aligned to their elements or to 8 bytes, whichever is less; they
// must not overlap. All backends write the same bytes.
//
// What the values of an array break is INVALID_ARGUMENT with the first place and
// value. RESOURCE_EXHAUSTED: the device has no memory for the call; later calls
// may succeed. UNKNOWN: the device refuses this call alone. INTERNAL: it has
// failed, and no later call will succeed. Written arrays are then unspecified.
// Thread-safe: calls may overlap.
//
// A NaN that comes of arithmetic is the quiet one without sign and payload.
class TensorOps {
 public:
  virtual ~TensorOps() = default;

  // output[i] = input[i with its place along dim replaced by index[i]].
  virtual absl::Status Gather(const IndexPlan& plan, const std::byte* input, const std::byte* index,
                              std::byte* output) = 0;

  // The other way: output[i with ..] = src[i]. `output` holds the input. Of
  // several src with one place the last in row-major order is there at the end.
  virtual absl::Status Scatter(const IndexPlan& plan, const std::byte* index, const std::byte* src,
                               std::byte* output) = 0;

  // output[i with ..] += src[i], in row-major order. float32 and float64 sum in
  // their own type; float16 and bfloat16 in float32, rounded once at the end.
  virtual absl::Status ScatterAdd(const IndexPlan& plan, FloatType type, const std::byte* index,
                                  const std::byte* src, std::byte* output) = 0;

  // restored[n, l] = kept[n, ids_restore[n, l]] if that is below K, else fill
  // [token_bytes], or zeros if it is null; prefix tokens as they are. Each row of
  // ids_restore has to be a permutation.
  virtual absl::Status RestoreTokens(const RestorePlan& plan, const std::byte* kept,
                                     const std::byte* ids_restore, const std::byte* fill,
                                     std::byte* restored) = 0;

  // Number of elements that the mask selects.
  virtual absl::StatusOr<std::int64_t> CountSelected(const SelectPlan& plan, const std::byte* mask) = 0;

  // Those elements in row-major order, after CountSelected returned their number.
  virtual absl::Status MaskedSelect(const SelectPlan& plan, const std::byte* input, const std::byte* mask,
                                    std::byte* selected) = 0;

  // `padding` is one element, or null for zeros. The mask, of any alignment, is 1
  // where a step is real, whatever its value.
  virtual absl::Status PadSequences(const PadPlan& plan, const std::byte* values, const std::byte* padding,
                                    std::byte* padded, std::byte* mask) = 0;

  // Mean of -log p[target] where the mask is 1, in double. Targets are not read
  // where it is 0. No 1 at all is an error. The order of sums is that of
  // docs/semantics.md, section 6.
  virtual absl::StatusOr<MaskedMean> MaskedNllLoss(const NllPlan& plan, const std::byte* scores,
                                                   const std::byte* target, const std::byte* mask) = 0;

  // Mean over removed tokens of the mean of (prediction - target)^2, in double;
  // a normalized target is (target - mean) / sqrt(unbiased variance + 1e-6) of
  // its patch. Nothing removed is an error. (MAE, arXiv:2111.06377.)
  virtual absl::StatusOr<MaskedMean> MaskedReconstructionLoss(const ReconstructionPlan& plan,
                                                              const std::byte* prediction,
                                                              const std::byte* target,
                                                              const std::byte* mask) = 0;
};

// Plain loops, one thread, obviously right: what tests compare with.
std::unique_ptr<TensorOps> MakeReferenceTensorOps();

// The fast CPU backend on `num_threads` threads, the caller's included; 0 takes
// one a core.
std::unique_ptr<TensorOps> MakeCpuTensorOps(int num_threads);

// CUDA on device `ordinal`. Errors as MakeCudaMasker of masker.h.
absl::StatusOr<std::unique_ptr<TensorOps>> MakeCudaTensorOps(int ordinal);

// A backend by name, as MakeMasker of masker.h; "auto" is the CPU, "cuda:all" the
// first card.
absl::StatusOr<std::unique_ptr<TensorOps>> MakeTensorOps(const std::string& device, int num_threads);

}  // namespace maskd

#endif  // MASKD_KERNELS_TENSOR_OPS_H_
