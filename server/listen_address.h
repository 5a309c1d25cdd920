// Addresses that maskd can listen on.
#ifndef MASKD_SERVER_LISTEN_ADDRESS_H_
#define MASKD_SERVER_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace maskd {

// Returns INVALID_ARGUMENT unless `address` is host:port with a port of 0 to
// 65535, or unix:path with a path that a socket can have. gRPC would take port
// 65537 for port 1.
inline absl::Status CheckListenAddress(const std::string& address) {
  constexpr std::size_t kMaxUnixPath = 107;
  if (address.starts_with("unix:")) {
    const std::size_t path_size = address.size() - 5;
    if (path_size >= 1 && path_size <= kMaxUnixPath) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "address is \"", address, "\"; the path behind unix: must have 1 to ", kMaxUnixPath, " characters"));
  }
  const auto colon = address.rfind(':');
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  if (colon != 0 && !port.empty() && port.size() <= 5 &&
      port.find_first_not_of("0123456789") == std::string::npos && std::stoi(port) <= 65535) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "address is \"", address, "\"; it must be host:port with a port of 0 to 65535, or unix:path"));
}

}  // namespace maskd

#endif  // MASKD_SERVER_LISTEN_ADDRESS_H_
