#include "tests/end_to_end/tcp_relay.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace maskd {
namespace {

constexpr std::int64_t kPieceBytes = 64 << 10;

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
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

TcpRelay::TcpRelay(const std::string& server_address)
    : server_address_(server_address), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_EQ(listen(listener_, 16), 0);
  address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  acceptor_ = std::thread([this] { Accept(); });
}

TcpRelay::~TcpRelay() {
  Cut();
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
}

void TcpRelay::HoldAfter(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  allowance_ = bytes;
  waits_ = false;
}

bool TcpRelay::WaitUntilHeld() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return waits_; });
}

std::int64_t TcpRelay::passed_on() {
  const std::lock_guard lock(mutex_);
  return passed_on_;
}

void TcpRelay::Cut() {
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

std::string TcpRelay::TakeHeld() {
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

void TcpRelay::Accept() {
  const auto port =
      static_cast<std::uint16_t>(std::stoi(server_address_.substr(server_address_.find(':') + 1)));
  for (int client; (client = accept(listener_, nullptr, nullptr)) >= 0;) {
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = Loopback(port);
    const std::lock_guard lock(mutex_);
    if (cut_ || connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
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

void TcpRelay::PassOn(int from, int to, bool from_client) {
  std::string piece(kPieceBytes, '\0');
  while (const std::int64_t allowed = Allowance(from_client)) {
    const ssize_t size = read(from, piece.data(), static_cast<std::size_t>(std::min(allowed, kPieceBytes)));
    if (size <= 0 || !SendAll(to, piece.data(), size)) break;
    const std::lock_guard lock(mutex_);
    if (from_client) {
      allowance_ = std::max<std::int64_t>(0, allowance_ - size);
      passed_on_ += size;
    }
  }
  shutdown(to, SHUT_WR);
}

std::int64_t TcpRelay::Allowance(bool from_client) {
  std::unique_lock lock(mutex_);
  if (from_client && allowance_ == 0) {
    waits_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return cut_ || allowance_ > 0; });
  }
  return cut_ ? 0 : from_client ? allowance_ : kPieceBytes;
}

}  // namespace maskd
