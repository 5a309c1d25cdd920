// The one bridge from this project's statuses to gRPC's.
#ifndef MASKD_SERVER_STATUS_ADAPTER_H_
#define MASKD_SERVER_STATUS_ADAPTER_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "proto/retry_info.h"
#include "server/retry_delay.h"

namespace maskd {

// For the caller of `context`, which is told the retry delay too. The codes of
// both have the same numbers.
inline grpc::Status ToGrpcStatus(const absl::Status& status, grpc::ServerContextBase& context) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const std::string message(status.message());
  const auto delay = RetryDelayOf(status);
  if (!delay.has_value()) return {code, message};
  context.AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(delay->count()));
  return {code, message, EncodeRetryInfo(code, message, *delay)};
}

}  // namespace maskd

#endif  // MASKD_SERVER_STATUS_ADAPTER_H_
