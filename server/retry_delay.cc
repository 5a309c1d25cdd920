#include "server/retry_delay.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace maskd {
namespace {

constexpr char kDelayKey[] = "maskd/retry_delay_ms";

// About the time of one large batch; clients spread their retries around it.
constexpr std::chrono::milliseconds kRetryDelay(100);

}  // namespace

absl::Status WithRetryDelay(absl::Status status) {
  status.SetPayload(kDelayKey, absl::Cord(absl::StrCat(kRetryDelay.count())));
  return status;
}

std::optional<std::chrono::milliseconds> RetryDelayOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kDelayKey);
  std::int64_t milliseconds = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &milliseconds)) return std::nullopt;
  return std::chrono::milliseconds(milliseconds);
}

absl::Status NoMemory() {
  return WithRetryDelay(absl::ResourceExhaustedError(
      "the server has no memory for this call; retry after the delay given, or send smaller batches"));
}

}  // namespace maskd
