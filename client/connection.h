// A channel to one server that can be broken off.
#ifndef MASKD_CLIENT_CONNECTION_H_
#define MASKD_CLIENT_CONNECTION_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/held_sockets.h"

namespace maskd {

// How long gRPC may take to end a call that is late or cancelled, and to let go of its
// bytes, before its connection is broken off.
inline constexpr std::chrono::milliseconds kLetGo(500);

// Thread-safe.
class Connection {
 public:
  struct Options {
    std::int64_t max_message_bytes;
    std::string tls_root_certificates;       // PEM; empty: no TLS
    std::string tls_certificate_chain = {};  // PEM; empty: the caller shows none
    std::string tls_private_key = {};        // PEM
    bool transparent_retries = true;
  };

  // To "host:port" or "unix:path", with a socket of its own.
  Connection(std::string address, Options options);
  // On a channel of the caller's, which BreakOff leaves alone.
  explicit Connection(std::shared_ptr<grpc::Channel> channel) : channel_(std::move(channel)) {}

  std::shared_ptr<grpc::Channel> channel() const;

  // Whether the server tells calls when it has room for their requests. On a new
  // connection HTTP/2 lets little be sent ahead; later it is tens of megabytes,
  // which would lie in the server's memory, so that requests wait here.
  bool tells_room() const { return tells_room_; }
  void set_tells_room() { tells_room_ = true; }

  // Ends all calls on `channel` by shutting its sockets down, upon which gRPC lets go of
  // what it has not sent, and has later calls take another. Nothing if they do already.
  void BreakOff(const std::shared_ptr<grpc::Channel>& channel);

 private:
  // Whose sockets sockets_ holds.
  std::shared_ptr<grpc::Channel> MakeChannel();

  const std::string address_;
  const Options options_ = {};
  std::atomic<bool> tells_room_ = false;
  mutable std::mutex mutex_;
  HeldSockets sockets_;                     // of channel_; guarded by mutex_
  std::shared_ptr<grpc::Channel> channel_;  // guarded by mutex_
};

// Returns INVALID_ARGUMENT if `address` is neither "host:port" nor "unix:path", or the
// port is a number over 65535.
absl::Status CheckAddress(const std::string& address);

}  // namespace maskd

#endif  // MASKD_CLIENT_CONNECTION_H_
