// The advice to retry, as gRPC's rich errors carry it: google.rpc.RetryInfo in
// the google.rpc.Status of grpc-status-details-bin.
#ifndef MASKD_PROTO_RETRY_INFO_H_
#define MASKD_PROTO_RETRY_INFO_H_

#include <chrono>
#include <optional>
#include <string>

namespace maskd {

// Error details of a status with this code and message.
std::string EncodeRetryInfo(int code, const std::string& message, std::chrono::milliseconds delay);

// The delay that error details advise, if they do.
std::optional<std::chrono::milliseconds> DecodeRetryInfo(const std::string& error_details);

}  // namespace maskd

#endif  // MASKD_PROTO_RETRY_INFO_H_
