// What a caller says to find its call in logs again.
#ifndef MASKD_SERVER_REQUEST_IDS_H_
#define MASKD_SERVER_REQUEST_IDS_H_

#include <grpcpp/support/string_ref.h>

#include <map>
#include <string>

namespace maskd {

using CallMetadata = std::multimap<grpc::string_ref, grpc::string_ref>;

inline constexpr char kRequestIdKey[] = "x-request-id";

struct CallerWords {
  std::string request_id;  // x-request-id; empty if there is none of 1 to 128 printable characters
  // Whether the caller has made this call before: maskd's client says so with
  // maskd-attempt, gRPC's own retries do with grpc-previous-rpc-attempts.
  bool retries = false;
};

// Reads the metadata once: each call pays for it.
CallerWords WordsOf(const CallMetadata& metadata);

// A new one, of 16 hexadecimal digits. Thread-safe.
std::string MakeRequestId();

// The trace id of a W3C traceparent, 32 hexadecimal digits; empty if there is none
// or it is malformed.
std::string TraceIdOf(const CallMetadata& metadata);

}  // namespace maskd

#endif  // MASKD_SERVER_REQUEST_IDS_H_
