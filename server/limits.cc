#include "server/limits.h"

#include "absl/strings/str_cat.h"
#include "server/refusal.h"

namespace maskd {
namespace {

// Room for the fields of a response beside its results.
constexpr std::int64_t kResponseFieldBytes = 1024;

}  // namespace

absl::Status TooLarge(absl::string_view message) {
  return Refused(Refusal::kTooLarge, absl::ResourceExhaustedError(message));
}

absl::Status CheckLimits(const MaskingPlan& plan, const Limits& limits) {
  const std::int64_t batch_tokens = plan.batch_size * plan.sequence_length;
  if (batch_tokens > limits.max_batch_tokens) {
    return TooLarge(absl::StrCat("batch_size ", plan.batch_size, " * sequence_length ", plan.sequence_length,
                                 " is ", batch_tokens, "; this server takes at most ",
                                 limits.max_batch_tokens,
                                 " tokens a call, send smaller batches or call StreamRandomMasking"));
  }
  return CheckResponseBytes(plan.result_bytes.total(), limits,
                            "send smaller batches, select fewer results or call StreamRandomMasking");
}

absl::Status CheckResponseBytes(std::int64_t result_bytes, const Limits& limits, absl::string_view remedy) {
  if (result_bytes <= limits.max_message_bytes - kResponseFieldBytes) return absl::OkStatus();
  return TooLarge(absl::StrCat("the response would have more than ", result_bytes,
                               " bytes; this server sends at most ", limits.max_message_bytes,
                               " (--max_message_bytes), ", remedy));
}

}  // namespace maskd
