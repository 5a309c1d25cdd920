#include "tests/benchmark/transport/congestion_preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

// Takes the place of libc's. A socket that cannot be set is an error, as the
// figures would be of something else than they say.
extern "C" int socket(int domain, int type, int protocol) noexcept {
  using SocketFunction = int(int, int, int);
  static auto* const libc_socket = reinterpret_cast<SocketFunction*>(dlsym(RTLD_NEXT, "socket"));
  const int fd = libc_socket(domain, type, protocol);
  const char* const algorithm = std::getenv(maskd::transport::kCongestionVariable);
  const bool is_stream = (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM;
  if (fd < 0 || algorithm == nullptr || !is_stream || (domain != AF_INET && domain != AF_INET6)) return fd;
  const auto size = static_cast<socklen_t>(std::strlen(algorithm));
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, algorithm, size) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}
