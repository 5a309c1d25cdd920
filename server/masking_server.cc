#include "server/masking_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_ops.h"
#include "proto/left_out.h"
#include "server/check_tls.h"
#include "server/listening_socket.h"

namespace maskd {
namespace {

// Time for the response of a finished call to leave.
constexpr std::chrono::milliseconds kWayOut(1000);

// Time in which calls are still answered, with UNAVAILABLE, when the last has
// finished: gRPC would end those that come with CANCELLED.
constexpr std::chrono::milliseconds kLameDuck(100);

// gRPC counts the bytes of a message in an int.
constexpr std::int64_t kMaxGrpcMessageBytes = std::numeric_limits<int>::max();

// Share of the budget that a pool of memory, of responses or of tokens that land,
// may keep when nothing uses it: 1 of these.
constexpr std::int64_t kIdleShareOfPool = 8;

// What a caller may send of a message before it is read, and what one read of a
// socket takes: with gRPC's own values, each large message begins with a hundred
// reads of 8 KiB and waits for windows to open, and each connection keeps buffers
// for reads of 4 MiB (docs/performance.md).
void TuneForLargeMessages(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 2 << 20);
  builder.AddChannelArgument(GRPC_ARG_TCP_MIN_READ_CHUNK_SIZE, 256 << 10);
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 512 << 10);
}

std::shared_ptr<grpc::ServerCredentials> Credentials(const std::string& address,
                                                     const MaskingServer::Options& options) {
  if (options.tls_certificate_chain.empty() || absl::StartsWith(address, "unix:"))
    return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({options.tls_private_key, options.tls_certificate_chain});
  if (!options.tls_client_certificates.empty()) {
    tls.pem_root_certs = options.tls_client_certificates;
    tls.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(tls);
}

// Has the server of `builder` serve the connections that what is returned is called
// with.
std::function<void(int, int)> GiveToGrpc(grpc::ServerBuilder& builder,
                                         std::shared_ptr<grpc::ServerCredentials> credentials) {
  using Builder = grpc::ServerBuilder::experimental_type;
  std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor =
      builder.experimental().AddExternalConnectionAcceptor(Builder::ExternalConnectionType::FROM_FD,
                                                           std::move(credentials));
  return [acceptor = std::move(acceptor)](int listener, int connection) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.listener_fd = listener;
    parameters.fd = connection;
    acceptor->HandleNewConnection(&parameters);
  };
}

std::optional<BlockPool> MakeLanding(Masker& masker, const Limits& limits,
                                     const MaskingServer::Options& options) {
  if (!options.gather_on_device) return std::nullopt;
  return BlockPool(limits.max_inflight_bytes / kIdleShareOfPool,
                   [&masker](std::size_t size) { return masker.AllocateTokenMemory(size); });
}

}  // namespace

MaskingServer::MaskingServer(std::unique_ptr<Masker> masker, std::unique_ptr<TensorDevices> tensor_devices,
                             const Limits& limits, const Options& options)
    : masker_(std::move(masker)),
      tensor_devices_(std::move(tensor_devices)),
      gatherer_(options.gather_threads),
      limits_(limits),
      budget_(limits.max_inflight_bytes),
      pool_(limits.max_inflight_bytes / kIdleShareOfPool),
      landing_(MakeLanding(*masker_, limits, options)),
      workers_(options.bulk_threads),
      idle_watch_(limits.max_idle),
      reporting_(options.reporting),
      parts_{.masker = *masker_,
             .tensor_devices = *tensor_devices_,
             .gatherer = gatherer_,
             .limits = limits_,
             .gate = gate_,
             .budget = budget_,
             .pool = pool_,
             .landing = landing_.has_value() ? &*landing_ : nullptr,
             .workers = workers_,
             .idle_watch = idle_watch_,
             .health = health_,
             .counts = counts_,
             .reporting = reporting_},
      metrics_(std::make_shared<ServerMetrics>(parts_)),
      service_(parts_) {}

absl::StatusOr<std::unique_ptr<MaskingServer>> MaskingServer::Start(std::unique_ptr<Masker> masker,
                                                                    const Options& options) {
  auto cpu =
      std::make_unique<TensorDevices>("cpu", MakeCpuTensorOps(options.gather_threads), nullptr, nullptr);
  return Start(std::move(masker), std::move(cpu), options);
}

absl::StatusOr<std::unique_ptr<MaskingServer>> MaskingServer::Start(
    std::unique_ptr<Masker> masker, std::unique_ptr<TensorDevices> tensor_devices, const Options& options) {
  if (!options.tls_certificate_chain.empty()) {
    MASKD_RETURN_IF_ERROR(
        CheckTls(options.tls_certificate_chain, options.tls_private_key, options.tls_client_certificates));
  }
  std::vector<Listening> listening;
  for (const std::string& address : options.listen) {
    MASKD_ASSIGN_OR_RETURN(Listening one, Listen(address));
    listening.push_back(std::move(one));
  }
  Limits limits = options.limits;
  limits.max_message_bytes = std::min(limits.max_message_bytes, kMaxGrpcMessageBytes);
  auto server =
      absl::WrapUnique(new MaskingServer(std::move(masker), std::move(tensor_devices), limits, options));

  if (options.reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits.max_message_bytes));
  // Clients ask now and then whether this end is still there.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
  TuneForLargeMessages(builder);
  builder.SetMaxSendMessageSize(-1);  // CheckLimits bounds responses before they are made
  // The bound above is checked after decompression: a small message could take
  // any amount of memory before it is refused.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  for (const char* const argument : kLeftOutArguments) builder.AddChannelArgument(argument, 0);
  std::vector<ConnectionAcceptor::Source> sources;
  for (Listening& one : listening) {
    server->addresses_.push_back(one.address);
    sources.push_back(
        {.sockets = std::move(one.sockets), .take = GiveToGrpc(builder, Credentials(one.address, options))});
  }
  server->service_.Register(builder, options.poll_threads);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr) {
    return absl::InternalError(absl::StrCat("gRPC does not serve on ", absl::StrJoin(options.listen, ", ")));
  }
  server->service_.Serve();
  if (!sources.empty()) {
    server->acceptor_.emplace(
        std::move(sources),
        ConnectionAcceptor::Options{.max_connections = options.max_connections, .warn = options.warn},
        server->counts_.refused_connections);
  }
  return server;
}

MaskingServer::~MaskingServer() {
  if (server_ == nullptr) return;
  if (stopped_.valid()) {
    stopped_.wait();
    return;
  }
  Shutdown(std::chrono::milliseconds(0));
}

void MaskingServer::Shutdown(std::chrono::milliseconds bound) {
  acceptor_.reset();
  server_->Shutdown(std::chrono::system_clock::now() + bound);
  service_.Stop();
}

std::shared_ptr<grpc::Channel> MaskingServer::InProcessChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);  // gRPC's default is 4 MiB
  return server_->InProcessChannel(arguments);
}

bool MaskingServer::Drain(std::chrono::milliseconds bound) {
  const auto deadline = std::chrono::steady_clock::now() + bound;
  health_.StopServing();
  gate_.Close();
  const bool finished = gate_.WaitUntilEmpty(deadline);
  health_.EndWatches();
  // What has left the gate may still be on its way out. Stop waits for calls
  // without a bound, hence the thread.
  stopped_ = std::async(std::launch::async, [this, finished] {
    if (finished) std::this_thread::sleep_for(kLameDuck);
    Shutdown(finished ? kWayOut : std::chrono::milliseconds(0));
  });
  return stopped_.wait_for(2 * kWayOut) == std::future_status::ready && finished;
}

}  // namespace maskd
