// What calls may ask of this server.
#ifndef MASKD_SERVER_LIMITS_H_
#define MASKD_SERVER_LIMITS_H_

#include <chrono>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "kernels/masking_plan.h"

namespace maskd {

struct Limits {
  // Bound of one request and of one response of a unary call.
  std::int64_t max_message_bytes = std::int64_t{256} << 20;
  // Bound of N * L of a unary call: the time it takes.
  std::int64_t max_batch_tokens = std::int64_t{1} << 28;
  // Bound of what all calls together hold.
  std::int64_t max_inflight_bytes = std::int64_t{2} << 30;
  // How long a call may keep the server waiting for its caller.
  std::chrono::seconds max_idle{60};
};

// Of a stream: bounds of one message's tokens, of one header, and of all the
// tokens of a batch.
inline constexpr std::int64_t kMaxChunkBytes = std::int64_t{4} << 20;

// Messages that gRPC holds of one stream: one that is taken and one that comes in,
// and what it reads ahead.
inline constexpr std::int64_t kMessagesHeld = 3;
inline constexpr std::int64_t kMaxHeaderBytes = std::int64_t{1} << 20;
inline constexpr std::int64_t kMaxStreamedBytes = std::int64_t{1} << 40;

// Calls that hold less are let in without a reservation, so that bulk that
// fills the server does not keep small calls out.
inline constexpr std::int64_t kSmallCallBytes = std::int64_t{64} << 10;
// Calls that are quick enough for a thread that has others to serve.
inline constexpr std::int64_t kSmallCallTokens = 2048;

// RESOURCE_EXHAUSTED for a call that is over a limit, and will be.
absl::Status TooLarge(absl::string_view message);

// Returns RESOURCE_EXHAUSTED if `plan`, of a unary call, is over a limit. To be
// called before anything is allocated for it.
absl::Status CheckLimits(const MaskingPlan& plan, const Limits& limits);

// Returns RESOURCE_EXHAUSTED if a unary response with `result_bytes` of results is
// over a limit. `remedy` is what the caller can do.
absl::Status CheckResponseBytes(std::int64_t result_bytes, const Limits& limits, absl::string_view remedy);

}  // namespace maskd

#endif  // MASKD_SERVER_LIMITS_H_
