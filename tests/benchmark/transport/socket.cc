#include "tests/benchmark/transport/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "kernels/status_macros.h"
#include "tests/benchmark/transport/congestion.h"

namespace maskd::transport {
namespace {

absl::Status FailedCall(const char* call) { return absl::ErrnoToStatus(errno, call); }

sockaddr_in LoopbackAddress(std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

absl::StatusOr<Socket> OpenSocket() {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return FailedCall("socket");
  return socket;
}

absl::Status PrepareConnection(const Socket& socket) {
  const int on = 1;
  if (setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
    return FailedCall("TCP_NODELAY");
  return CheckCongestionControl(socket.fd());
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

absl::Status Socket::Send(std::initializer_list<std::span<const std::byte>> parts) const {
  std::vector<iovec> storage;
  for (const std::span<const std::byte> part : parts) {
    storage.push_back({const_cast<std::byte*>(part.data()), part.size()});
  }
  std::span<iovec> left(storage);
  while (!left.empty()) {
    msghdr message = {};
    message.msg_iov = left.data();
    message.msg_iovlen = left.size();
    const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return FailedCall("sendmsg");
    }
    auto skip = static_cast<std::size_t>(sent);
    while (!left.empty() && skip >= left.front().iov_len) {
      skip -= left.front().iov_len;
      left = left.subspan(1);
    }
    if (left.empty()) break;
    left.front().iov_base = static_cast<std::byte*>(left.front().iov_base) + skip;
    left.front().iov_len -= skip;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::size_t> Socket::SendSome(std::span<const std::byte> bytes) const {
  const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  return FailedCall("send");
}

absl::Status Socket::Receive(std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t received = recv(fd_, bytes.data(), bytes.size(), MSG_WAITALL);
    if (received == 0) return absl::UnavailableError("the peer closed the connection");
    if (received < 0) {
      if (errno == EINTR) continue;
      return FailedCall("recv");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(received));
  }
  return absl::OkStatus();
}

absl::StatusOr<Socket> Listen(std::uint16_t& port) {
  MASKD_ASSIGN_OR_RETURN(Socket listener, OpenSocket());
  sockaddr_in address = LoopbackAddress(0);
  if (bind(listener.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    return FailedCall("bind");
  if (listen(listener.fd(), SOMAXCONN) != 0) return FailedCall("listen");
  socklen_t size = sizeof(address);
  if (getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return FailedCall("getsockname");
  }
  port = ntohs(address.sin_port);
  return listener;
}

absl::StatusOr<Socket> Accept(const Socket& listener) {
  Socket connection(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  if (connection.fd() < 0) return FailedCall("accept");
  MASKD_RETURN_IF_ERROR(PrepareConnection(connection));
  return connection;
}

absl::StatusOr<Socket> Connect(const std::string& address) {
  int port = 0;
  absl::string_view digits = address;
  if (!absl::ConsumePrefix(&digits, "127.0.0.1:") || !absl::SimpleAtoi(digits, &port)) {
    return absl::InvalidArgumentError(absl::StrCat("address is ", address, ", not 127.0.0.1:PORT"));
  }
  MASKD_ASSIGN_OR_RETURN(Socket connection, OpenSocket());
  const sockaddr_in peer = LoopbackAddress(static_cast<std::uint16_t>(port));
  if (connect(connection.fd(), reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) != 0) {
    return FailedCall("connect");
  }
  MASKD_RETURN_IF_ERROR(PrepareConnection(connection));
  return connection;
}

}  // namespace maskd::transport
