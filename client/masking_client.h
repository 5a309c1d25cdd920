// The C++ client of maskd.
//
//   MASKD_ASSIGN_OR_RETURN(auto client, MaskingClient::Connect("localhost:50051", {}));
//   MaskingSpec spec{.batch_size = 64, .sequence_length = 196, .token_type = TokenType{768, 4},
//                    .mask_ratio = 0.75, .seed = 1, .first_sample_id = step * 64, .epoch = epoch};
//   spec.selection = {.kept_tokens = true, .mask = true, .ids_restore = true};
//   MASKD_ASSIGN_OR_RETURN(MaskedBatch batch, client->RandomMasking(spec, tokens));
//
// RandomMasking sends a small batch in one message and streams a large one; the
// caller's buffers are sent and written in place, also when a call is tried
// again.
#ifndef MASKD_CLIENT_MASKING_CLIENT_H_
#define MASKD_CLIENT_MASKING_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "kernels/masking_spec.h"

namespace maskd {

class Connection;
class MaskCallQueue;
struct CallScope;

// The results that the spec selected, row-major; the others are empty. N and L
// are the spec's.
struct MaskedBatch {
  std::int64_t num_keep = 0;  // K
  std::string kept_tokens;    // [N, K, token_dim] of element_bytes each
  std::string mask;           // [N, L] of mask_type
  std::string ids_restore;    // [N, L] of ids_type
  std::string ids_keep;       // [N, K] of ids_type
  std::string ids_mask;       // [N, L - K] of ids_type
  std::string noise;          // [N, L] float32

  std::uint32_t algorithm_version = 0;
  std::string backend;  // "cpu", "cuda" or "reference"
};

struct ServerInfo {
  std::string version;
  std::string backend;
  std::string device_name;
  std::uint32_t algorithm_version = 0;
  std::int64_t max_message_bytes = 0;
  std::int64_t max_sequence_length = 0;
  std::int64_t max_batch_tokens = 0;
  std::int64_t max_element_bytes = 0;
  std::int64_t max_inflight_bytes = 0;
  // Best first, the last resort last; the server is degraded if one is not
  // healthy. Empty: the server is older than this list.
  std::vector<DeviceState> devices = {};
};

// What came with the results that went into the caller's buffers.
struct MaskingFacts {
  std::int64_t num_keep = 0;  // K
  std::uint32_t algorithm_version = 0;
  std::string backend;  // "cpu", "cuda" or "reference"
};

// When one call ends early.
struct CallLimits {
  // From the start of the call, over all its attempts. Not set: the client's.
  std::optional<std::chrono::milliseconds> timeout = {};
  // Ends the call with CANCELLED once a stop is requested.
  std::stop_token stop = {};
};

// Thread-safe: calls may overlap.
//
// Calls return the status of the RPC as masking_service.proto states it (one
// that the spec alone decides without a round trip), or
// INTERNAL if the server answered with something else than was asked for.
// What may pass (UNAVAILABLE, and RESOURCE_EXHAUSTED with a retry delay) is
// tried again within the timeout; masks are the same whoever draws them.
//
// A call returns within about a second of its timeout or stop. If its server has stopped
// reading that takes its connection, and other calls on that are UNAVAILABLE.
class MaskingClient {
 public:
  struct Options {
    // Of each call, from its start.
    std::chrono::milliseconds timeout = std::chrono::seconds(60);
    // Bound of one response; beyond 2^31 - 1 is taken as that.
    std::int64_t max_message_bytes = std::int64_t{1} << 30;
    // A batch whose tokens and results have this many bytes or more is streamed.
    std::int64_t stream_from_bytes = std::int64_t{16} << 20;
    // Connections that a streamed batch is split over by samples.
    int connections = 1;
    // Attempts of a call that finds no server, the first included.
    int max_attempts = 4;
    // Whether a call for which the server has no room is made again after the
    // delay that it advises.
    bool wait_for_room = true;
    // Whether gRPC, within an attempt, sends a call again that no server has begun with,
    // as when its connection was being closed. Costs a twentieth of a small call.
    bool transparent_retries = true;
    // PEM of the certificates that the server's must be signed by. Empty: no TLS.
    std::string tls_root_certificates = {};
    // PEM of the caller's certificate and key, for a server that asks for them.
    std::string tls_certificate_chain = {};
    std::string tls_private_key = {};
  };

  // `address` is "host:port" or "unix:path". Does not wait for the server: the
  // first call does, and fails with UNAVAILABLE if there is none.
  //
  // Returns INVALID_ARGUMENT if the address is neither.
  static absl::StatusOr<std::unique_ptr<MaskingClient>> Connect(const std::string& address,
                                                                const Options& options);

  // On a channel of the caller's, such as an in-process one.
  MaskingClient(std::shared_ptr<grpc::Channel> channel, const Options& options);

  ~MaskingClient();

  // Masks `tokens` [N, L, token_dim] and writes the results that the spec
  // selects to `results`, whose `tokens` is not read. Nothing of this size is
  // copied but what comes from the socket. Returns when no buffer is in use any
  // more; results are unspecified on error.
  absl::StatusOr<MaskingFacts> RandomMasking(const MaskingSpec& spec, std::span<const std::byte> tokens,
                                             const MaskingBuffers& results, const CallLimits& limits = {});

  // The same into memory of its own.
  absl::StatusOr<MaskedBatch> RandomMasking(const MaskingSpec& spec, std::span<const std::byte> tokens,
                                            const CallLimits& limits = {});

  // Draws masks alone. The spec must have no token_type and not select
  // kept_tokens.
  absl::StatusOr<MaskingFacts> GenerateMask(const MaskingSpec& spec, const MaskingBuffers& results,
                                            const CallLimits& limits = {});
  absl::StatusOr<MaskedBatch> GenerateMask(const MaskingSpec& spec, const CallLimits& limits = {});

  absl::StatusOr<ServerInfo> GetServerInfo(const CallLimits& limits = {});

  // OK if the server says that it serves maskd.v1.MaskingService; UNAVAILABLE
  // if it says that it does not, or cannot be reached.
  absl::Status CheckHealth(const CallLimits& limits = {});

 private:
  friend MaskCallQueue;

  MaskingClient(std::vector<std::unique_ptr<Connection>> connections, const Options& options);

  // Where results go: asked for when there are some.
  using Results = std::function<MaskingBuffers()>;

  absl::StatusOr<MaskingFacts> Mask(const MaskingSpec& spec, std::span<const std::byte> tokens,
                                    const Results& results, const CallLimits& limits);
  absl::StatusOr<MaskingFacts> Draw(const MaskingSpec& spec, const Results& results,
                                    const CallLimits& limits);
  absl::Status MaskUnary(const MaskingSpec& spec, const MaskingPlan& plan, std::span<const std::byte> tokens,
                         const Results& results, const CallScope& scope, MaskingFacts& facts);
  absl::Status MaskStreamed(const MaskingSpec& spec, const MaskingPlan& plan,
                            std::span<const std::byte> tokens, const MaskingBuffers& results,
                            const CallScope& scope, MaskingFacts& facts);

  const Options options_;
  const std::vector<std::unique_ptr<Connection>> connections_;  // at least one
};

}  // namespace maskd

#endif  // MASKD_CLIENT_MASKING_CLIENT_H_
