// The thread that takes connections off listening sockets.
#ifndef MASKD_SERVER_CONNECTION_ACCEPTOR_H_
#define MASKD_SERVER_CONNECTION_ACCEPTOR_H_

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "server/call_counts.h"
#include "server/line_quota.h"
#include "server/listening_socket.h"

namespace maskd {

// gRPC 1.51 could accept by itself, but once a process has had too many open files it
// never does again, and it bounds neither them nor the memory of idle connections.
class ConnectionAcceptor {
 public:
  struct Source {
    std::vector<ListeningSocket> sockets;
    // Takes a connection, which does not block, and the socket it came by.
    std::function<void(int listener, int connection)> take;
  };
  struct Options {
    // Connections beyond are closed at once: what is open else in the process, in
    // excess of what is now, counts as well.
    int max_connections;
    // Told of connections that are closed or have to wait, once a second at most.
    std::function<void(const std::string& sentence)> warn = [](const std::string&) {};
  };

  // There is a source, with a socket. `refused` counts the connections that were closed at once.
  ConnectionAcceptor(std::vector<Source> sources, const Options& options, Count& refused);
  // Closes the listening sockets.
  ~ConnectionAcceptor();

  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

 private:
  void Run();
  // Takes one connection. False if none can be taken for now.
  bool AcceptFrom(const Source& source, int listener);
  void Warn(const std::string& sentence);

  std::vector<Source> sources_;
  const Options options_;
  // Descriptors are the lowest that are free: one from this on is of a connection too many.
  const int first_refused_descriptor_;
  Count& refused_;
  LineQuota lines_{1};
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_CONNECTION_ACCEPTOR_H_
