// The sockets of a channel, for when gRPC does not let go of them.
#ifndef MASKD_CLIENT_HELD_SOCKETS_H_
#define MASKD_CLIENT_HELD_SOCKETS_H_

#include <grpcpp/support/channel_arguments.h>

#include <memory>

namespace maskd {

// gRPC ends the calls of a connection, and closes it, when its last write has ended,
// which a peer that has stopped reading puts off for as long as it likes. This shuts the
// socket down under it. Thread-safe. For gRPC 1.51; with others it does nothing.
class HeldSockets {
 public:
  HeldSockets();

  // Takes hold of the sockets of the channel that is made with `arguments`.
  void HoldThoseOf(grpc::ChannelArguments& arguments);

  // Shuts them down, upon which their calls end. The channel makes no others.
  void ShutDown();

 private:
  class Sockets;

  std::shared_ptr<Sockets> sockets_;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_HELD_SOCKETS_H_
