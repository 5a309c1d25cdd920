// The server: addresses, service, health, drain.
#ifndef MASKD_SERVER_MASKING_SERVER_H_
#define MASKD_SERVER_MASKING_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/masker.h"
#include "server/call_gate.h"
#include "server/limits.h"
#include "server/masking_service.h"

namespace maskd {

class MaskingServer {
 public:
  struct Options {
    // "host:port" (port 0: any free one) or "unix:path". Empty: only
    // InProcessChannel.
    std::vector<std::string> listen = {};
    Limits limits = {};  // max_message_bytes beyond 2^31 - 1 is taken as that
    bool reflection = false;
  };

  // Starts serving `masker`.
  //
  // Returns INVALID_ARGUMENT if an address is malformed, and UNAVAILABLE if it
  // cannot be listened on.
  static absl::StatusOr<std::unique_ptr<MaskingServer>> Start(std::unique_ptr<Masker> masker,
                                                              const Options& options);

  // Cancels calls and waits for their handlers, without a bound.
  ~MaskingServer();

  // The addresses, with the ports that were picked.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // A channel to this server that needs no socket. Not to be used after Drain:
  // gRPC 1.51 crashes.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Reports NOT_SERVING, refuses new calls with UNAVAILABLE, lets running calls
  // finish within `bound`, cancels what is left, stops; takes at most 2 s
  // longer, 1 s of it for responses of finished calls that are on their way. To be called once. Returns
  // whether every call finished; if not, handlers may still run.
  bool Drain(std::chrono::milliseconds bound);

 private:
  MaskingServer(std::unique_ptr<Masker> masker, const Limits& limits);

  const std::unique_ptr<Masker> masker_;
  CallGate gate_;
  MaskingService service_;
  std::vector<std::string> addresses_;
  std::unique_ptr<grpc::Server> server_;
  std::future<void> stopped_;  // set by Drain; ready when no handler runs
};

}  // namespace maskd

#endif  // MASKD_SERVER_MASKING_SERVER_H_
