// What maskd_client is, and what every call on it begins with.
#ifndef MASKD_CLIENT_C_ABI_CLIENT_H_
#define MASKD_CLIENT_C_ABI_CLIENT_H_

#include <sys/types.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/maskd.h"
#include "client/masking_client.h"
#include "client/sharded_client.h"

struct maskd_client {
  std::unique_ptr<maskd::ShardedClient> client;
  pid_t process;  // that connected
};

namespace maskd {

// FAILED_PRECONDITION in a forked child of the process that connected, or of NULL.
absl::Status CheckClient(const maskd_client* client);

// NULL sets no limits.
absl::StatusOr<CallLimits> DecodeCallLimits(const maskd_call_limits* limits);

}  // namespace maskd

#endif  // MASKD_CLIENT_C_ABI_CLIENT_H_
