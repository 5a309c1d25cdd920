// A wire between a client and a server that can be held and cut.
#ifndef MASKD_TESTS_END_TO_END_SOCKET_RELAY_H_
#define MASKD_TESTS_END_TO_END_SOCKET_RELAY_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/end_to_end/served_masker.h"

namespace maskd {

// Passes on what comes, on connections to a free port of 127.0.0.1 or a Unix socket of its
// own, as the server has it. Thread-safe.
class SocketRelay {
 public:
  // To a server at "127.0.0.1:port" or "unix:path".
  explicit SocketRelay(const std::string& server_address);
  ~SocketRelay();

  SocketRelay(const SocketRelay&) = delete;
  SocketRelay& operator=(const SocketRelay&) = delete;

  const std::string& address() const { return address_; }

  // From now on passes about `bytes` from the clients on to the server, at most
  // 64 KiB more, and reads no further.
  void HoldAfter(std::int64_t bytes);

  // Waits until that has been passed on. False if it does not come to that.
  bool WaitUntilHeld();

  // Bytes that clients have sent and the server was passed.
  std::int64_t passed_on();

  // Resets all connections, whatever is on them, and those that come.
  void Cut();

  // Reads what the clients sent beyond the hold, until they have closed their
  // connections.
  std::string TakeHeld();

 private:
  void Accept();
  void PassOn(int from, int to, bool from_client);
  // How many bytes may be passed on now, once there are any; 0 after Cut.
  std::int64_t Allowance(bool from_client);

  const std::string server_address_;
  const TemporaryFolder folder_;
  const int listener_;
  std::string address_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t allowance_ = INT64_MAX;  // guarded by mutex_, as are the next
  std::int64_t passed_on_ = 0;
  bool waits_ = false;
  bool cut_ = false;
  std::vector<int> clients_;
  std::vector<int> sockets_;  // all of them
  std::vector<std::thread> pumps_;
  std::thread acceptor_;
};

}  // namespace maskd

#endif  // MASKD_TESTS_END_TO_END_SOCKET_RELAY_H_
