#include "tests/benchmark/transport/congestion.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "tests/benchmark/transport/congestion_preload.h"
#include "tests/benchmark/transport/socket.h"

namespace maskd::transport {
namespace {

absl::StatusOr<std::string> CongestionControlOf(int fd) {
  std::array<char, 16> name = {};
  auto size = static_cast<socklen_t>(name.size() - 1);
  if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), &size) != 0) {
    return absl::ErrnoToStatus(errno, "TCP_CONGESTION");
  }
  return std::string(name.data());
}

bool CanSet(const Socket& socket, const std::string& algorithm) {
  return setsockopt(socket.fd(), IPPROTO_TCP, TCP_CONGESTION, algorithm.data(),
                    static_cast<socklen_t>(algorithm.size())) == 0;
}

}  // namespace

absl::StatusOr<std::string> SetCongestionControlOfChildren(const std::string& choice,
                                                           const std::string& preload) {
  std::uint16_t port = 0;
  MASKD_ASSIGN_OR_RETURN(const Socket probe, Listen(port));
  MASKD_ASSIGN_OR_RETURN(const std::string of_host, CongestionControlOf(probe.fd()));
  std::string algorithm = choice;
  if (choice == "auto" && of_host == "bbr") algorithm = CanSet(probe, "cubic") ? "cubic" : "reno";
  if (algorithm == "default" || algorithm == "auto") return of_host;

  if (!CanSet(probe, algorithm)) {
    return absl::FailedPreconditionError(absl::StrCat("the kernel refuses the congestion control ", algorithm,
                                                      "; see tcp_allowed_congestion_control in tcp(7)"));
  }
  if (access(preload.c_str(), R_OK) != 0) return absl::ErrnoToStatus(errno, preload);
  const char* const before = std::getenv("LD_PRELOAD");
  setenv("LD_PRELOAD", before == nullptr ? preload.c_str() : absl::StrCat(before, ":", preload).c_str(), 1);
  setenv(kCongestionVariable, algorithm.c_str(), 1);
  return algorithm;
}

absl::Status CheckCongestionControl(int fd) {
  const char* const expected = std::getenv(kCongestionVariable);
  if (expected == nullptr) return absl::OkStatus();
  MASKD_ASSIGN_OR_RETURN(const std::string algorithm, CongestionControlOf(fd));
  if (algorithm == expected) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("a socket has the congestion control ", algorithm, ", not ", expected));
}

}  // namespace maskd::transport
