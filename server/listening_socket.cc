#include "server/listening_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "kernels/status_macros.h"
#include "server/listen_address.h"

namespace maskd {
namespace {

// The kernel takes its own bound (net.core.somaxconn) if that is less.
constexpr int kBacklog = 4096;

absl::Status Failed(const std::string& address, const std::string& reason, const char* advice) {
  return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": ", reason, advice));
}

absl::Status Failed(const std::string& address, int error) {
  const char* advice = "";
  if (error == EADDRINUSE) advice = "; is another server there?";
  if (error == EADDRNOTAVAIL) advice = "; is the address one of this machine?";
  if (error == ENOENT) advice = "; is the folder of the socket there?";
  return Failed(address, std::strerror(error), advice);
}

// The port of a bound socket.
in_port_t& PortOf(sockaddr_storage& name) {
  return name.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(name).sin6_port
                                    : reinterpret_cast<sockaddr_in&>(name).sin_port;
}

bool IsAnyHost(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

// Returns errno, or 0.
int BindAndListen(int socket, const void* name, socklen_t size) {
  return bind(socket, static_cast<const sockaddr*>(name), size) == 0 && listen(socket, kBacklog) == 0 ? 0
                                                                                                      : errno;
}

absl::StatusOr<Listening> ListenOnPath(const std::string& address) {
  MASKD_RETURN_IF_ERROR(CheckNotInUse(address));
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  const std::string path(absl::StripPrefix(address, "unix:"));
  std::memcpy(name.sun_path, path.data(), path.size());
  unlink(path.c_str());  // of a server that is no more
  const int made = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made < 0) return Failed(address, errno);
  Listening listening{.address = address, .sockets = {}};
  listening.sockets.emplace_back(made, path);
  if (const int error = BindAndListen(made, &name, sizeof(name)); error != 0) return Failed(address, error);
  return listening;
}

// The names of `host` that can be listened on, with port 0.
absl::StatusOr<std::vector<sockaddr_storage>> Resolve(const std::string& address, const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), "0", &hints, &found);
  if (error != 0) return Failed(address, gai_strerror(error), "; is the host's name right?");
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  std::vector<sockaddr_storage> names;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    sockaddr_storage name = {};
    std::memcpy(&name, one->ai_addr, one->ai_addrlen);
    const auto same = [&name](const sockaddr_storage& other) {
      return std::memcmp(&name, &other, sizeof(name)) == 0;
    };
    if (std::ranges::none_of(names, same)) names.push_back(name);
  }
  return names;
}

absl::StatusOr<Listening> ListenOnPort(const std::string& address) {
  const auto colon = address.rfind(':');
  const std::string asked = address.substr(0, colon);
  const std::string host(absl::StripSuffix(absl::StripPrefix(asked, "["), "]"));
  in_port_t port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  std::vector<sockaddr_storage> names;
  if (IsAnyHost(host)) {
    // A socket of IPv6 takes IPv4 as well; a machine without IPv6 has the other.
    MASKD_ASSIGN_OR_RETURN(names, Resolve(address, "::"));
    MASKD_ASSIGN_OR_RETURN(const std::vector<sockaddr_storage> others, Resolve(address, "0.0.0.0"));
    names.insert(names.end(), others.begin(), others.end());
  } else {
    MASKD_ASSIGN_OR_RETURN(names, Resolve(address, host));
  }
  Listening listening;
  absl::Status failure;
  for (sockaddr_storage& name : names) {
    const int made = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0) {
      failure = Failed(address, errno);  // of a machine without IPv6
      continue;
    }
    ListeningSocket made_socket(made);
    const int on = 1;
    const int off = 0;
    setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // of its connections
    if (name.ss_family == AF_INET6 && IsAnyHost(host))
      setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    PortOf(name) = port;
    socklen_t size = name.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if (const int error = BindAndListen(made, &name, size); error != 0) {
      failure = Failed(address, error);
      if (error == EADDRNOTAVAIL) continue;
      return failure;
    }
    getsockname(made, reinterpret_cast<sockaddr*>(&name), &size);
    port = PortOf(name);
    listening.sockets.push_back(std::move(made_socket));
    if (IsAnyHost(host)) break;
  }
  if (listening.sockets.empty()) return failure;
  listening.address = absl::StrCat(asked, ":", ntohs(port));
  return listening;
}

}  // namespace

ListeningSocket::~ListeningSocket() {
  if (descriptor_ < 0) return;
  if (!path_.empty()) unlink(path_.c_str());
  close(descriptor_);
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

absl::StatusOr<Listening> Listen(const std::string& address) {
  MASKD_RETURN_IF_ERROR(CheckListenAddress(address));
  return absl::StartsWith(address, "unix:") ? ListenOnPath(address) : ListenOnPort(address);
}

}  // namespace maskd
