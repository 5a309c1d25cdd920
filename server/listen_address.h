// Addresses that maskd can listen on.
#ifndef MASKD_SERVER_LISTEN_ADDRESS_H_
#define MASKD_SERVER_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/status.h"

namespace maskd {

// Returns INVALID_ARGUMENT unless `address` is host:port with a port of 0 to
// 65535, or unix:path with a path that a socket can have. gRPC would take port
// 65537 for port 1.
absl::Status CheckListenAddress(const std::string& address);

// Returns UNAVAILABLE if `address` is unix:path, and the path is not a socket or
// another server listens there. gRPC would remove the one and take over from the
// other. Left-over sockets are no reason.
absl::Status CheckNotInUse(const std::string& address);

}  // namespace maskd

#endif  // MASKD_SERVER_LISTEN_ADDRESS_H_
