// The server: addresses, service, health, drain.
#ifndef MASKD_SERVER_MASKING_SERVER_H_
#define MASKD_SERVER_MASKING_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
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
    std::vector<std::string> listen;
    Limits limits;
    bool reflection = false;
  };

  // Starts serving `masker`.
  //
  // Returns UNAVAILABLE if an address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<MaskingServer>> Start(std::unique_ptr<Masker> masker,
                                                              const Options& options);

  // Cancels what is still running.
  ~MaskingServer();

  // The addresses, with the ports that were picked.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // A channel to this server that needs no socket.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Reports NOT_SERVING, refuses new calls with UNAVAILABLE, lets running calls
  // finish within `bound`, cancels what is left, stops. To be called once.
  // Returns whether every call finished.
  bool Drain(std::chrono::milliseconds bound);

 private:
  MaskingServer(std::unique_ptr<Masker> masker, const Options& options);

  const std::unique_ptr<Masker> masker_;
  CallGate gate_;
  MaskingService service_;
  std::vector<std::string> addresses_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_MASKING_SERVER_H_
