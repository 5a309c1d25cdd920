#include "tests/end_to_end/socket_relay.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace maskd {
namespace {

constexpr int kPieceBytes = 64 << 10;

// The path of "unix:path"; else empty.
std::string PathOf(const std::string& address) {
  return address.starts_with("unix:") ? address.substr(std::strlen("unix:")) : "";
}

struct SocketAddress {
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }

  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress ParseAddress(const std::string& address) {
  SocketAddress parsed;
  if (const std::string path = PathOf(address); !path.empty()) {
    auto& to = reinterpret_cast<sockaddr_un&>(parsed.storage);
    to.sun_family = AF_UNIX;
    EXPECT_LT(path.copy(to.sun_path, sizeof(to.sun_path) - 1), sizeof(to.sun_path) - 1);
    parsed.size = sizeof(to);
  } else {
    auto& to = reinterpret_cast<sockaddr_in&>(parsed.storage);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    parsed.size = sizeof(to);
  }
  return parsed;
}

// Closes a connection at once: whoever waits to write to it is told.
void Reset(int connection) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(connection);
}

bool SendAll(int to, const char* data, ssize_t size) {
  while (size > 0) {
    const ssize_t sent = send(to, data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= sent;
  }
  return true;
}

}  // namespace

SocketRelay::SocketRelay(const std::string& server_address)
    : server_address_(server_address),
      listener_(socket(PathOf(server_address).empty() ? AF_INET : AF_UNIX, SOCK_STREAM, 0)),
      address_(PathOf(server_address).empty() ? "127.0.0.1:0" : "unix:" + folder_.path() + "/relay.sock") {
  SocketAddress address = ParseAddress(address_);
  EXPECT_EQ(bind(listener_, address.get(), address.size), 0);
  EXPECT_EQ(getsockname(listener_, address.get(), &address.size), 0);
  EXPECT_EQ(listen(listener_, 16), 0);
  if (address.storage.ss_family == AF_INET) {
    const std::uint16_t port = reinterpret_cast<const sockaddr_in&>(address.storage).sin_port;
    address_ = "127.0.0.1:" + std::to_string(ntohs(port));
  }
  acceptor_ = std::thread([this] { Accept(); });
}

SocketRelay::~SocketRelay() {
  Cut();
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
}

void SocketRelay::HoldAfter(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  allowance_ = bytes;
  waits_ = false;
  // What is not passed on lies with the clients, not here.
  for (const int client : clients_) setsockopt(client, SOL_SOCKET, SO_RCVBUF, &kPieceBytes, sizeof(int));
  changed_.notify_all();
}

bool SocketRelay::WaitUntilHeld() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return waits_; });
}

std::int64_t SocketRelay::passed_on() {
  const std::lock_guard lock(mutex_);
  return passed_on_;
}

void SocketRelay::Cut() {
  std::vector<std::thread> pumps;
  {
    const std::lock_guard lock(mutex_);
    cut_ = true;
    for (const int open : sockets_) shutdown(open, SHUT_RDWR);
    changed_.notify_all();
    pumps.swap(pumps_);
  }
  for (std::thread& pump : pumps) pump.join();
  const std::lock_guard lock(mutex_);
  for (const int open : sockets_) Reset(open);
  sockets_.clear();
  clients_.clear();
}

std::string SocketRelay::TakeHeld() {
  std::vector<int> clients;
  {
    const std::lock_guard lock(mutex_);
    clients = clients_;
  }
  std::string held;
  std::string piece(kPieceBytes, '\0');
  for (const int client : clients) {
    for (ssize_t size; (size = read(client, piece.data(), piece.size())) > 0;)
      held.append(piece, 0, static_cast<std::size_t>(size));
  }
  return held;
}

void SocketRelay::Accept() {
  SocketAddress address = ParseAddress(server_address_);
  for (int client; (client = accept(listener_, nullptr, nullptr)) >= 0;) {
    const int server = socket(address.storage.ss_family, SOCK_STREAM, 0);
    const std::lock_guard lock(mutex_);
    if (cut_ || connect(server, address.get(), address.size) != 0) {
      Reset(client);
      close(server);
      continue;
    }
    sockets_.insert(sockets_.end(), {client, server});
    clients_.push_back(client);
    pumps_.emplace_back([this, client, server] { PassOn(client, server, true); });
    pumps_.emplace_back([this, client, server] { PassOn(server, client, false); });
  }
}

void SocketRelay::PassOn(int from, int to, bool from_client) {
  std::string piece(kPieceBytes, '\0');
  while (const std::int64_t allowed = Allowance(from_client)) {
    const ssize_t size =
        read(from, piece.data(), static_cast<std::size_t>(std::min<std::int64_t>(allowed, kPieceBytes)));
    if (size <= 0 || !SendAll(to, piece.data(), size)) break;
    const std::lock_guard lock(mutex_);
    if (from_client) {
      allowance_ = std::max<std::int64_t>(0, allowance_ - size);
      passed_on_ += size;
    }
  }
  shutdown(to, SHUT_WR);
}

std::int64_t SocketRelay::Allowance(bool from_client) {
  std::unique_lock lock(mutex_);
  if (from_client && allowance_ == 0) {
    waits_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return cut_ || allowance_ > 0; });
  }
  return cut_ ? 0 : from_client ? allowance_ : kPieceBytes;
}

}  // namespace maskd
