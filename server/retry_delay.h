// Which errors pass by themselves, and when to come back.
#ifndef MASKD_SERVER_RETRY_DELAY_H_
#define MASKD_SERVER_RETRY_DELAY_H_

#include <chrono>
#include <optional>

#include "absl/status/status.h"

namespace maskd {

// `status` with the advice to try again after a moment.
absl::Status WithRetryDelay(absl::Status status);

// The advice, if there is any.
std::optional<std::chrono::milliseconds> RetryDelayOf(const absl::Status& status);

// RESOURCE_EXHAUSTED where std::bad_alloc was thrown, with the advice.
absl::Status NoMemory();

}  // namespace maskd

#endif  // MASKD_SERVER_RETRY_DELAY_H_
