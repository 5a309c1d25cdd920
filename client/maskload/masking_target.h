// maskd servers as the target of a run.
#ifndef MASKD_CLIENT_MASKLOAD_MASKING_TARGET_H_
#define MASKD_CLIENT_MASKLOAD_MASKING_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/masking_client.h"
#include "client/maskload/run_load.h"
#include "client/maskload/shape_mix.h"
#include "client/maskload/verify_results.h"
#include "kernels/host_memory.h"
#include "kernels/masking_spec.h"

namespace maskd::maskload {

enum class Verification { kSample, kAll, kNone };

// Of kSample, one call in so many to each address is looked at.
inline constexpr std::int64_t kVerifiedCalls = 16;

// Call i goes to address i modulo their number. All send the same tokens, no two
// of which are alike, each with sample ids of its own. Calls overlap if masks alone
// are drawn, on a thread a connection, but no more threads than cores.
class MaskingTarget final : public Target {
 public:
  struct Options {
    std::vector<std::string> addresses;  // at least one
    int connections = 1;                 // to each of them; workers take them in turn
    int concurrency = 1;                 // workers
    MaskingClient::Options client = {};
    ShapeMix mix;
    // Everything but sizes, sample ids and the selection. Noise is seeded.
    MaskingSpec masking = {};
    Verification verification = Verification::kSample;
    // Told of the first call to an address that fails with a code, and of the first
    // wrong result from it. Called on the threads of workers.
    std::function<void(const std::string&)> warn = [](const std::string&) {};
  };

  // Does not wait for the servers.
  //
  // Returns INVALID_ARGUMENT if an address or a batch breaks a rule, or this machine has
  // no memory for a call of it.
  static absl::StatusOr<std::unique_ptr<MaskingTarget>> Make(Options options);

  // Asks who is at an address; if it answers, over each connection, so that no call has
  // to wait for the connection. Each question has `limits` of its own.
  absl::StatusOr<ServerInfo> Greet(std::size_t address, const CallLimits& limits);

  CallOutcome Call(int worker, std::int64_t number, const std::stop_token& stop) override;
  std::optional<bool> Verify(int worker, std::int64_t number) override;
  bool LooksAt(std::int64_t number) const override;
  // For runs with a SteadyClock.
  std::vector<std::unique_ptr<OverlappingCalls>> Overlap(const std::stop_token& stop) override;

  const std::vector<BatchShape>& shapes() const { return options_.mix.shapes(); }

 private:
  class MaskCalls;

  // A call that is to begin.
  struct Prepared {
    MaskingClient& client;
    MaskingBuffers results = {};
    CallOutcome outcome;  // failed if there is no memory for results
  };

  explicit MaskingTarget(Options options) : options_(std::move(options)) {}

  Prepared Prepare(int worker, std::int64_t number);
  // The outcome of a call that was made and ended with `status`.
  CallOutcome Settle(int worker, CallOutcome outcome, absl::Status status, const std::stop_token& stop);

  // Which of the calls to its address a call is.
  std::int64_t CallOfAddress(std::int64_t number) const;
  std::uint64_t FirstSampleId(std::int64_t number) const;
  MaskingSpec SpecOf(const BatchShape& shape, std::int64_t number) const;
  std::span<const std::byte> TokensOf(const MaskingPlan& plan) const;
  // Memory for the results of a call of that shape, its own until Release.
  HostBlock TakeResults(std::size_t shape);
  void Release(int worker, std::size_t shape);
  bool IsRight(int worker, std::int64_t number);
  void WarnOnce(std::size_t address, const absl::Status& status);

  const Options options_;
  std::vector<std::vector<std::unique_ptr<MaskingClient>>> clients_;  // [address][connection]
  std::vector<MaskingPlan> plans_;                                    // of each shape, of its first samples
  std::int64_t ids_per_call_ = 0;                                     // the largest N
  HostBlock tokens_;                                                  // of the largest batch
  std::vector<HostBlock> results_;  // of each worker, which alone uses it; empty between calls
  const ResultVerifier verifier_;
  std::mutex mutex_;
  // Of each shape: so memory is that of the calls in flight, not of all workers.
  std::vector<std::vector<HostBlock>> free_results_;              // guarded by mutex_
  std::vector<std::pair<std::size_t, absl::StatusCode>> warned_;  // guarded by mutex_
};

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_MASKING_TARGET_H_
