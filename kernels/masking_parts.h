// A batch cut into runs of consecutive samples, which can be masked apart: the
// results of the parts, one after another, are the results of the batch.
#ifndef MASKD_KERNELS_MASKING_PARTS_H_
#define MASKD_KERNELS_MASKING_PARTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "kernels/masking_spec.h"
#include "kernels/torch_cpu_stream.h"

namespace maskd {

// The spec of samples [first, first + count) of `spec`, whose plan must have
// been made. Refers to what `spec` refers to.
//
// With kTorchCpu the part skips what the samples before it draw, which may be
// more than a plan allows.
MaskingSpec SpecOfSamples(const MaskingSpec& spec, std::int64_t first, std::int64_t count);

// Whether the batch of `plan` can be cut anywhere: the draws of torch on a CPU are
// one stream, which parts can skip into only so far.
bool CanBeCut(const MaskingPlan& plan);

// Cuts one part after another, at the cost of the part also where noise is one
// stream over the batch. Not thread-safe.
class PartCutter {
 public:
  // The plan of `spec` must have been made.
  explicit PartCutter(const MaskingSpec& spec) : spec_(spec), torch_stream_(spec.seed) {}

  // The spec of the next `count` samples; nothing if `is_cancelled` said so. It
  // refers to what the spec refers to, and to this object until the next call.
  std::optional<MaskingSpec> Next(std::int64_t count, const IsCancelled& is_cancelled);

 private:
  MaskingSpec spec_;
  std::int64_t first_ = 0;
  TorchCpuStream torch_stream_;
  std::vector<std::uint32_t> draws_;  // of the current part, for kTorchCpu
  std::vector<std::byte> noise_;
};

}  // namespace maskd

#endif  // MASKD_KERNELS_MASKING_PARTS_H_
