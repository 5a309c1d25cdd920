#include "server/listen_address.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace maskd {
namespace {

constexpr absl::string_view kUnix = "unix:";
constexpr std::size_t kMaxUnixPath = sizeof(sockaddr_un::sun_path) - 1;

bool IsUnix(const std::string& address) { return absl::StartsWith(address, kUnix); }

std::string UnixPath(const std::string& address) { return address.substr(kUnix.size()); }

// Whether a server accepts connections at `path`.
bool Answers(const std::string& path) {
  const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client < 0) return false;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool answers = connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(client);
  return answers;
}

}  // namespace

absl::Status CheckListenAddress(const std::string& address) {
  if (IsUnix(address)) {
    const std::size_t path_size = UnixPath(address).size();
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

absl::Status CheckNotInUse(const std::string& address) {
  if (!IsUnix(address)) return absl::OkStatus();
  const std::string path = UnixPath(address);
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return absl::OkStatus();
  if (!S_ISSOCK(status.st_mode)) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": the path is there and not a socket"));
  }
  if (!Answers(path)) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": another server listens there"));
}

}  // namespace maskd
