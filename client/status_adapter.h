// The one bridge from gRPC's statuses to this project's.
#ifndef MASKD_CLIENT_STATUS_ADAPTER_H_
#define MASKD_CLIENT_STATUS_ADAPTER_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "client/attempt.h"
#include "proto/retry_info.h"

namespace maskd {

// The codes of both have the same numbers.
inline absl::Status FromGrpcStatus(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

inline Outcome ToOutcome(const grpc::Status& status) {
  if (status.ok()) return {};
  return {.status = FromGrpcStatus(status), .retry_delay = DecodeRetryInfo(status.error_details())};
}

}  // namespace maskd

#endif  // MASKD_CLIENT_STATUS_ADAPTER_H_
