// What one call may ask of this server.
#ifndef MASKD_SERVER_LIMITS_H_
#define MASKD_SERVER_LIMITS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/masking_plan.h"

namespace maskd {

struct Limits {
  // Bound of one request and of one response.
  std::int64_t max_message_bytes = std::int64_t{1} << 30;
  // Bound of N * L: the time one call takes.
  std::int64_t max_batch_tokens = std::int64_t{1} << 28;
};

// Room for the fields of a response beside its results.
inline constexpr std::int64_t kResponseFieldBytes = 1024;

// Returns RESOURCE_EXHAUSTED if `plan` is over a limit. To be called before
// anything is allocated for it.
inline absl::Status CheckLimits(const MaskingPlan& plan, const Limits& limits) {
  const std::int64_t batch_tokens = plan.batch_size * plan.sequence_length;
  if (batch_tokens > limits.max_batch_tokens) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "batch_size ", plan.batch_size, " * sequence_length ", plan.sequence_length, " is ", batch_tokens,
        "; this server takes at most ", limits.max_batch_tokens, " tokens a call, send smaller batches"));
  }
  const std::int64_t response_bytes = plan.result_bytes.total() + kResponseFieldBytes;
  if (response_bytes > limits.max_message_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the response would have ", response_bytes, " bytes; this server sends at most ",
        limits.max_message_bytes, " (--max_message_bytes), send smaller batches or select fewer results"));
  }
  return absl::OkStatus();
}

}  // namespace maskd

#endif  // MASKD_SERVER_LIMITS_H_
