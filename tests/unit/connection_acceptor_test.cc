#include "server/connection_acceptor.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace maskd {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::seconds kPatience(60);

// Connects `made` to "127.0.0.1:port"; false: it cannot be.
bool Connect(int made, const std::string& address) {
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  return connect(made, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
}

int ConnectTo(const std::string& address) {
  const int made = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_TRUE(Connect(made, address));
  return made;
}

// What an acceptor does, for another thread to wait for.
class Witness {
 public:
  ~Witness() {
    for (const auto& [listener, connection] : taken_) close(connection);
  }

  void Take(int listener, int connection) {
    const std::lock_guard lock(mutex_);
    taken_.emplace_back(listener, connection);
    changed_.notify_all();
  }
  void Warn(const std::string& sentence) {
    const std::lock_guard lock(mutex_);
    warnings_.push_back(sentence);
    changed_.notify_all();
  }

  // The sockets that connections came by, once there are `count`.
  std::vector<int> Listeners(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return taken_.size() >= count; }));
    std::vector<int> listeners;
    for (const auto& [listener, connection] : taken_) listeners.push_back(listener);
    return listeners;
  }
  // The warnings, once there is one.
  std::vector<std::string> Warnings() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return !warnings_.empty(); }));
    return warnings_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<int, int>> taken_;  // guarded by mutex_, as the next
  std::vector<std::string> warnings_;
};

class ConnectionAcceptorTest : public ::testing::Test {
 protected:
  // A source at a port of its own, whose address is added to addresses_.
  ConnectionAcceptor::Source MakeSource() {
    auto listening = Listen("127.0.0.1:0");
    EXPECT_TRUE(listening.ok()) << listening.status();
    addresses_.push_back(listening->address);
    listeners_.push_back(listening->sockets.front().descriptor());
    return {.sockets = std::move(listening->sockets),
            .take = [this](int listener, int connection) { witness_.Take(listener, connection); }};
  }

  ConnectionAcceptor::Options WithBound(int max_connections) {
    return {.max_connections = max_connections,
            .warn = [this](const std::string& sentence) { witness_.Warn(sentence); }};
  }

  static std::vector<ConnectionAcceptor::Source> ListOf(auto... sources) {
    std::vector<ConnectionAcceptor::Source> list;
    (list.push_back(std::move(sources)), ...);
    return list;
  }

  std::vector<std::string> addresses_;
  std::vector<int> listeners_;
  Witness witness_;
  Count refused_;
};

TEST_F(ConnectionAcceptorTest, SaysWhichSocketAConnectionCameBy) {
  const ConnectionAcceptor acceptor(ListOf(MakeSource(), MakeSource()), WithBound(1000), refused_);
  std::vector<int> clients;
  for (const std::size_t i : {1, 0, 1}) {
    clients.push_back(ConnectTo(addresses_[i]));
    EXPECT_EQ(witness_.Listeners(clients.size()).back(), listeners_[i]);
  }
  EXPECT_EQ(refused_.value(), 0);
  for (const int client : clients) close(client);
}

TEST_F(ConnectionAcceptorTest, ClosesOneTooMany) {
  const ConnectionAcceptor acceptor(ListOf(MakeSource()), WithBound(3), refused_);
  const int first = ConnectTo(addresses_[0]);  // and its other end make two descriptors
  witness_.Listeners(1);
  const int second = ConnectTo(addresses_[0]);
  char byte = 0;
  EXPECT_EQ(read(second, &byte, 1), 0);  // its end
  EXPECT_THAT(witness_.Warnings().front(), HasSubstr("--max_connections"));
  EXPECT_EQ(refused_.value(), 1);
  close(second);
  close(first);
}

TEST_F(ConnectionAcceptorTest, AConnectionWaitsUntilTheProcessMayOpenFiles) {
  const ConnectionAcceptor acceptor(ListOf(MakeSource()), WithBound(1000), refused_);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  rlimit files = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  rlimit none = files;
  none.rlim_cur = static_cast<rlim_t>(client) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool connected = Connect(client, addresses_[0]);
  const std::vector<std::string> warnings = witness_.Warnings();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);  // sanitizers need files to check what a matcher is
  EXPECT_TRUE(connected);
  EXPECT_THAT(warnings.front(), HasSubstr("has to wait"));
  EXPECT_EQ(witness_.Listeners(1).size(), 1);
  EXPECT_EQ(refused_.value(), 0);
  close(client);
}

TEST_F(ConnectionAcceptorTest, TakesNoneWhenItIsGone) {
  { const ConnectionAcceptor acceptor(ListOf(MakeSource()), WithBound(1000), refused_); }
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_FALSE(Connect(client, addresses_[0]));
  close(client);
}

}  // namespace
}  // namespace maskd
