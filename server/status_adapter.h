// The one bridge from this project's statuses to gRPC's.
#ifndef MASKD_SERVER_STATUS_ADAPTER_H_
#define MASKD_SERVER_STATUS_ADAPTER_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace maskd {

// The codes of both have the same numbers.
inline grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

}  // namespace maskd

#endif  // MASKD_SERVER_STATUS_ADAPTER_H_
