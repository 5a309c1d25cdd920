// A batch that several servers or connections mask together, each some of its
// samples.
#ifndef MASKD_CLIENT_BATCH_PARTS_H_
#define MASKD_CLIENT_BATCH_PARTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/masking_client.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "kernels/masking_spec.h"

namespace maskd {

// How many of `batch_size` samples each of those is given who mask at `speeds`,
// in one unit, at least one of them above 0. Who would be given fewer than
// `least_samples` is given none, unless nobody else is left.
std::vector<std::int64_t> ShareOut(std::int64_t batch_size, std::int64_t least_samples,
                                   std::span<const double> speeds);

// A run of samples of a batch: what is asked for, from what, to where.
struct BatchPart {
  MaskingSpec spec;
  MaskingPlan plan;
  std::span<const std::byte> tokens;
  MaskingBuffers results;
};

// Masks a part: that of share `i`.
using MaskPart = std::function<absl::StatusOr<MaskingFacts>(std::size_t i, const BatchPart& part)>;

// Cuts the batch of `spec` and `plan`, with `tokens` of its size, into runs of
// `shares` samples, one behind the other, and calls `mask_part` with those that
// are not empty, all at once. Returns when all have returned: the facts of the
// first, or an error.
absl::StatusOr<MaskingFacts> MaskParts(const MaskingSpec& spec, const MaskingPlan& plan,
                                       std::span<const std::byte> tokens, const MaskingBuffers& results,
                                       std::span<const std::int64_t> shares, const MaskPart& mask_part);

// Returns INVALID_ARGUMENT unless `tokens` are of the size that `plan` states.
absl::Status CheckTokens(const MaskingPlan& plan, std::span<const std::byte> tokens);

}  // namespace maskd

#endif  // MASKD_CLIENT_BATCH_PARTS_H_
