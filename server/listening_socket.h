// Sockets that take connections.
#ifndef MASKD_SERVER_LISTENING_SOCKET_H_
#define MASKD_SERVER_LISTENING_SOCKET_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace maskd {

// Closed with the object; a Unix socket's path is removed before.
class ListeningSocket {
 public:
  explicit ListeningSocket(int descriptor, std::string path = {}) : descriptor_(descriptor), path_(path) {}
  ~ListeningSocket();

  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;

  // Does not block.
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::string path_;  // empty: not of a Unix socket
};

struct Listening {
  std::string address;  // as it was asked for, with the port that was picked
  std::vector<ListeningSocket> sockets;
};

// Listens at `address`: see CheckListenAddress. A host's name may stand for several
// addresses, which get one port; 0.0.0.0 and [::] are all of this machine, of both kinds.
//
// Returns UNAVAILABLE if it cannot be listened on.
absl::StatusOr<Listening> Listen(const std::string& address);

}  // namespace maskd

#endif  // MASKD_SERVER_LISTENING_SOCKET_H_
