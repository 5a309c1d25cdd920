// Results against what docs/semantics.md says they are.
#ifndef MASKD_CLIENT_MASKLOAD_VERIFY_RESULTS_H_
#define MASKD_CLIENT_MASKLOAD_VERIFY_RESULTS_H_

#include <cstddef>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"

namespace maskd::maskload {

// Looks at every byte of results of plans of seeded noise that select mask
// (float32), ids_restore (int64) and, if tokens come, kept_tokens. Thread-safe.
class ResultVerifier {
 public:
  // Draws masks again with the CPU backend, on the caller's thread.
  ResultVerifier();

  // Returns DATA_LOSS with what is wrong and where: a row of ids_restore that is
  // no permutation, a mask that does not remove L - K tokens or not those of
  // ids_restore, a kept token that is not the one that was sent, other ids than
  // the seed draws.
  absl::Status Verify(const MaskingPlan& plan, std::span<const std::byte> tokens,
                      const MaskingBuffers& results) const;

 private:
  const std::unique_ptr<Masker> masker_;
};

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_VERIFY_RESULTS_H_
