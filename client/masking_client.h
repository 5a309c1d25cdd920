// The C++ client of maskd.
//
//   MASKD_ASSIGN_OR_RETURN(auto client, MaskingClient::Connect("localhost:50051", {}));
//   MaskingSpec spec{.batch_size = 64, .sequence_length = 196, .token_type = TokenType{768, 4},
//                    .mask_ratio = 0.75, .seed = 1, .first_sample_id = step * 64, .epoch = epoch};
//   spec.selection = {.kept_tokens = true, .mask = true, .ids_restore = true};
//   MASKD_ASSIGN_OR_RETURN(MaskedBatch batch, client->RandomMasking(spec, tokens));
#ifndef MASKD_CLIENT_MASKING_CLIENT_H_
#define MASKD_CLIENT_MASKING_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/masking_spec.h"
#include "maskd/v1/masking_service.grpc.pb.h"

namespace maskd {

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
};

// Thread-safe: calls may overlap.
//
// Calls return the status of the RPC as masking_service.proto states it (one
// that the spec alone decides without a round trip), or
// INTERNAL if the server answered with something else than was asked for.
class MaskingClient {
 public:
  struct Options {
    // Deadline of each call, from its start.
    std::chrono::milliseconds timeout = std::chrono::seconds(60);
    // Bound of one response; beyond 2^31 - 1 is taken as that.
    std::int64_t max_message_bytes = std::int64_t{1} << 30;
  };

  // `address` is "host:port" or "unix:path". Does not wait for the server: the
  // first call does, and fails with UNAVAILABLE if there is none.
  //
  // Returns INVALID_ARGUMENT if the address is neither.
  static absl::StatusOr<std::unique_ptr<MaskingClient>> Connect(const std::string& address,
                                                                const Options& options);

  // On a channel of the caller's, such as an in-process one.
  MaskingClient(std::shared_ptr<grpc::Channel> channel, const Options& options);

  // Masks `tokens` [N, L, token_dim], copied into the request.
  absl::StatusOr<MaskedBatch> RandomMasking(const MaskingSpec& spec, std::span<const std::byte> tokens);

  // Draws masks alone. The spec must have no token_type and not select
  // kept_tokens.
  absl::StatusOr<MaskedBatch> GenerateMask(const MaskingSpec& spec);

  absl::StatusOr<ServerInfo> GetServerInfo();

  // OK if the server says that it serves maskd.v1.MaskingService; UNAVAILABLE
  // if it says that it does not, or cannot be reached.
  absl::Status CheckHealth();

 private:
  void SetDeadline(grpc::ClientContext& context) const;

  const Options options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::MaskingService::StubInterface> stub_;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_MASKING_CLIENT_H_
