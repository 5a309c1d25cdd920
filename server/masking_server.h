// The server: addresses, service, health, drain.
#ifndef MASKD_SERVER_MASKING_SERVER_H_
#define MASKD_SERVER_MASKING_SERVER_H_

#include <grpcpp/grpcpp.h>
#include <prometheus/collectable.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/masker.h"
#include "kernels/token_gatherer.h"
#include "server/block_pool.h"
#include "server/bulk_workers.h"
#include "server/byte_budget.h"
#include "server/call_counts.h"
#include "server/call_gate.h"
#include "server/call_record.h"
#include "server/calls.h"
#include "server/connection_acceptor.h"
#include "server/health.h"
#include "server/idle_watch.h"
#include "server/limits.h"
#include "server/masking_service.h"
#include "server/reply_pool.h"
#include "server/server_metrics.h"
#include "server/tensor_devices.h"

namespace maskd {

class MaskingServer {
 public:
  struct Options {
    // "host:port" (port 0: any free one) or "unix:path". Empty: only
    // InProcessChannel.
    std::vector<std::string> listen = {};
    int max_connections = 4096;  // see ConnectionAcceptor
    Limits limits = {};          // max_message_bytes beyond 2^31 - 1 is taken as that
    // Threads that read and write sockets and serve small calls, and threads
    // that do the work of the others.
    int poll_threads = 2;
    int bulk_threads = 2;
    // Threads that share the gather of one unary call; 0: one a core.
    int gather_threads = 0;
    // Whether tokens land in memory of Masker::AllocateTokenMemory, for the masker
    // to gather them; else they are gathered here, from where gRPC received them.
    bool gather_on_device = false;
    bool reflection = false;
    CallReporting reporting = {};
    // Told what an operator has to know.
    std::function<void(const std::string& sentence)> warn = [](const std::string&) {};
    // PEM. If set, "host:port" addresses speak TLS.
    std::string tls_certificate_chain = {};
    std::string tls_private_key = {};
    // PEM. If set, only callers with a certificate signed by these are served.
    std::string tls_client_certificates = {};
  };

  // Starts serving `masker`, and tensor operations on `tensor_devices`, or on the
  // CPU.
  //
  // Returns INVALID_ARGUMENT if an address is malformed or what TLS takes is no good (see
  // CheckTls), and UNAVAILABLE if it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<MaskingServer>> Start(std::unique_ptr<Masker> masker,
                                                              std::unique_ptr<TensorDevices> tensor_devices,
                                                              const Options& options);
  static absl::StatusOr<std::unique_ptr<MaskingServer>> Start(std::unique_ptr<Masker> masker,
                                                              const Options& options);

  // Cancels calls and waits for their handlers, without a bound.
  ~MaskingServer();

  // What calls hold of Limits.max_inflight_bytes.
  std::int64_t inflight_bytes() const { return budget_.reserved_bytes(); }

  // Blocks of memory that were allocated for responses since the start.
  std::int64_t reply_allocations() const { return pool_.blocks().allocations(); }

  // Not to be asked once the server is destroyed.
  std::shared_ptr<prometheus::Collectable> metrics() const { return metrics_; }

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
  // Ends calls after `bound`, and waits for their handlers.
  void Shutdown(std::chrono::milliseconds bound);

  MaskingServer(std::unique_ptr<Masker> masker, std::unique_ptr<TensorDevices> tensor_devices,
                const Limits& limits, const Options& options);

  const std::unique_ptr<Masker> masker_;
  const std::unique_ptr<TensorDevices> tensor_devices_;
  TokenGatherer gatherer_;
  const Limits limits_;
  CallGate gate_;
  ByteBudget budget_;
  ReplyPool pool_;
  std::optional<BlockPool> landing_;  // if the device gathers
  BulkWorkers workers_;
  IdleWatch idle_watch_;
  Health health_;
  CallCounts counts_;
  const CallReporting reporting_;
  CallParts parts_;
  const std::shared_ptr<ServerMetrics> metrics_;
  MaskingService service_;
  std::vector<std::string> addresses_;
  std::unique_ptr<grpc::Server> server_;
  std::optional<ConnectionAcceptor> acceptor_;
  std::future<void> stopped_;  // set by Drain; ready when no handler runs
};

}  // namespace maskd

#endif  // MASKD_SERVER_MASKING_SERVER_H_
