// Blocking TCP sockets of 127.0.0.1 for the floors.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_SOCKET_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace maskd::transport {

// A connection with TCP_NODELAY. One thread may send while another receives.
//
// Send* and Receive* return when all bytes have gone or come, or the error of
// the call; UNAVAILABLE says that the peer closed the connection.
class Socket {
 public:
  // Takes `fd`.
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) : fd_(std::exchange(other.fd_, -1)) {}
  ~Socket();

  int fd() const { return fd_; }

  // The parts one after another, in as few calls as the kernel takes.
  absl::Status Send(std::initializer_list<std::span<const std::byte>> parts) const;

  // What the socket takes at once, maybe nothing: how many bytes of `bytes`.
  absl::StatusOr<std::size_t> SendSome(std::span<const std::byte> bytes) const;

  absl::Status Receive(std::span<std::byte> bytes) const;

 private:
  int fd_;
};

// Any free port of 127.0.0.1, written to `port`.
absl::StatusOr<Socket> Listen(std::uint16_t& port);
absl::StatusOr<Socket> Accept(const Socket& listener);

// `address` is "127.0.0.1:port".
absl::StatusOr<Socket> Connect(const std::string& address);

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_SOCKET_H_
