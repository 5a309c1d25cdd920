// The client of training jobs: several servers as one, and the trainer's own
// process when there is none.
//
//   MASKD_ASSIGN_OR_RETURN(auto client, ShardedClient::Connect({"gpu-1:50051", "gpu-2:50051"},
//                                                              {.fallback_in_process = true}));
//   MASKD_ASSIGN_OR_RETURN(MaskingFacts facts, client->RandomMasking(spec, tokens, results));
//
// Masks depend on the spec alone, so who draws them does not show: a batch is
// split by samples over the servers that are healthy, by their speeds; what one
// does not answer another is asked for; and with `fallback_in_process` the
// same bits are computed here when none answers.
#ifndef MASKD_CLIENT_SHARDED_CLIENT_H_
#define MASKD_CLIENT_SHARDED_CLIENT_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client_statistics.h"
#include "client/masking_client.h"
#include "client/replica_set.h"
#include "client/tensor_client.h"
#include "kernels/masker.h"
#include "kernels/masking_spec.h"

namespace maskd {

class InProcessKernels;
// Thread-safe: calls may overlap.
//
// Calls return what those of MaskingClient and TensorClient do. An error that
// comes of what was asked for (INVALID_ARGUMENT and the like) is returned as it
// is. One that comes of a server (it is away, draining, late, out of room, not a
// maskd, or answers with nonsense, which is INTERNAL) has another one asked, or
// this process with `fallback_in_process`; if none is left it is returned with the
// sentences of all by their addresses. So is RESOURCE_EXHAUSTED of a batch that is
// over a server's bounds: other servers, and this process, have others.
//
// Of the time that a call has, each of those that may be asked yet gets an equal
// share, and one whose speed is known at most `least_patience` or ten times what it
// needs; a server that hangs costs no more. It is left out then, as one that failed
// is, for a pause that grows from 0.1 to 10 s, until a small call is answered. What is
// computed here because servers were late ends when it is done, not at the deadline.
class ShardedClient {
 public:
  struct Options {
    // Of each server. `max_attempts` is how often all are asked if none is there;
    // with `fallback_in_process`, once.
    MaskingClient::Options server = {};
    // Whether calls that no server answers are computed in this process.
    bool fallback_in_process = false;
    // Tokens and results of one server's part of a batch, at least.
    std::int64_t least_part_bytes = std::int64_t{1} << 20;
    // How long a server whose speed is known may take at least.
    std::chrono::milliseconds least_patience = std::chrono::seconds(1);
    // Threads of this process, the caller's included; 0: one a core.
    int in_process_threads = 0;
    // Told in one line when calls begin to be computed in this process because of
    // servers, once until a server answers again; and once of calls for which they
    // have no room. Called on threads of calls.
    // Empty: to stderr.
    std::function<void(const std::string& line)> log = {};
  };

  // Each address is "host:port" or "unix:path"; or "inproc:", alone: calls are
  // computed in this process, without servers. Does not wait for servers.
  //
  // Returns INVALID_ARGUMENT for no address and for any other.
  static absl::StatusOr<std::unique_ptr<ShardedClient>> Connect(const std::vector<std::string>& addresses,
                                                                const Options& options);

  // Calls must have ended.
  ~ShardedClient();

  // As MaskingClient::RandomMasking and GenerateMask. The facts are those of the
  // first samples.
  absl::StatusOr<MaskingFacts> RandomMasking(const MaskingSpec& spec, std::span<const std::byte> tokens,
                                             const MaskingBuffers& results, const CallLimits& limits = {});
  absl::StatusOr<MaskingFacts> GenerateMask(const MaskingSpec& spec, const MaskingBuffers& results,
                                            const CallLimits& limits = {});

  // As those of TensorClient, on one server. In this process an operation that has
  // begun is not cancelled.
  absl::StatusOr<Tensor> RestoreTokens(const RestoreTokensArguments& arguments,
                                       const CallLimits& limits = {});
  absl::StatusOr<Tensor> Gather(const GatherArguments& arguments, const CallLimits& limits = {});
  absl::StatusOr<Tensor> Scatter(const ScatterArguments& arguments, const CallLimits& limits = {});
  absl::StatusOr<Tensor> ScatterAdd(const ScatterArguments& arguments, const CallLimits& limits = {});
  absl::StatusOr<Tensor> MaskedSelect(const MaskedSelectArguments& arguments, const CallLimits& limits = {});
  absl::StatusOr<PaddedTensors> PadSequences(const PadSequencesArguments& arguments,
                                             const CallLimits& limits = {});
  absl::StatusOr<MaskedMean> MaskedNllLoss(const MaskedNllLossArguments& arguments,
                                           const CallLimits& limits = {});
  absl::StatusOr<MaskedMean> MaskedReconstructionLoss(const MaskedReconstructionLossArguments& arguments,
                                                      const CallLimits& limits = {});

  // Of the first server that answers, or of this process for "inproc:".
  absl::StatusOr<ServerInfo> GetServerInfo(const CallLimits& limits = {});

  // OK if a server says that it serves, and for "inproc:".
  absl::Status CheckHealth(const CallLimits& limits = {});

  ClientStatistics statistics() const;

  // Counts time that a training step waited for its masks.
  void AddWait(std::chrono::nanoseconds wait);

 private:
  // Computes in this process.
  using InProcess = std::function<absl::Status(const CallScope& scope)>;

  ShardedClient(std::unique_ptr<ReplicaSet> replicas, std::size_t num_servers, const Options& options);

  absl::StatusOr<MaskingFacts> Mask(const MaskingSpec& spec, std::span<const std::byte> tokens,
                                    const MaskingBuffers& results, const CallLimits& limits);
  // Has a server do `work`, `first` before the others, or else this process.
  absl::Status Do(const ReplicaSet::Work& work, std::optional<std::size_t> first, const CallScope& scope,
                  const InProcess& in_process);
  template <typename Result, typename Arguments>
  absl::StatusOr<Result> Compute(const Arguments& arguments, const CallLimits& limits,
                                 absl::StatusOr<Result> (TensorClient::*served)(const Arguments&,
                                                                                const CallLimits&),
                                 absl::StatusOr<Result> (InProcessKernels::*in_process)(const Arguments&,
                                                                                        const CallScope&));
  // For what servers say of themselves.
  absl::Status AskOne(const CallLimits& limits,
                      const std::function<absl::Status(MaskingClient&, const CallLimits&)>& call);
  // What `call` returns.
  template <typename Call>
  auto Counted(const Call& call) -> decltype(call());

  const Options options_;
  const std::unique_ptr<InProcessKernels> kernels_;  // null if servers alone compute
  const bool mixes_;                                 // results of several
  const std::unique_ptr<ReplicaSet> replicas_;       // null for "inproc:"
  std::atomic<bool> computes_here_ = false;          // because no server answers
  std::atomic<bool> said_no_room_ = false;
  std::atomic<std::int64_t> calls_ = 0;
  std::atomic<std::int64_t> failed_calls_ = 0;
  std::atomic<std::int64_t> fallbacks_ = 0;
  std::atomic<std::int64_t> wait_nanoseconds_ = 0;
  std::atomic<std::int64_t> waits_ = 0;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_SHARDED_CLIENT_H_
