#include "client/sharded_client.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/attempt.h"
#include "client/batch_parts.h"
#include "client/in_process_kernels.h"
#include "client/replica_set.h"
#include "kernels/masking_parts.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

constexpr char kInProcess[] = "inproc:";

std::int64_t BytesOf(const TensorView& tensor) { return static_cast<std::int64_t>(tensor.data.size()); }
std::int64_t BytesOf(const RestoreTokensArguments& arguments) {
  return BytesOf(arguments.kept_tokens) + BytesOf(arguments.ids_restore) +
         (arguments.fill.has_value() ? BytesOf(*arguments.fill) : 0);
}
std::int64_t BytesOf(const GatherArguments& arguments) {
  return BytesOf(arguments.input) + BytesOf(arguments.index);
}
std::int64_t BytesOf(const ScatterArguments& arguments) {
  return BytesOf(arguments.input) + BytesOf(arguments.index) + BytesOf(arguments.src);
}
std::int64_t BytesOf(const MaskedSelectArguments& arguments) {
  return BytesOf(arguments.input) + BytesOf(arguments.mask);
}
std::int64_t BytesOf(const PadSequencesArguments& arguments) { return BytesOf(arguments.values); }
std::int64_t BytesOf(const MaskedNllLossArguments& arguments) {
  return BytesOf(arguments.scores) + BytesOf(arguments.target) + BytesOf(arguments.mask);
}
std::int64_t BytesOf(const MaskedReconstructionLossArguments& arguments) {
  return BytesOf(arguments.prediction) + BytesOf(arguments.target) + BytesOf(arguments.mask);
}

std::int64_t BytesOf(const Tensor& tensor) { return static_cast<std::int64_t>(tensor.data.size()); }
std::int64_t BytesOf(const PaddedTensors& tensors) { return BytesOf(tensors.padded) + BytesOf(tensors.mask); }
std::int64_t BytesOf(const MaskedMean&) { return 0; }

}  // namespace

absl::StatusOr<std::unique_ptr<ShardedClient>> ShardedClient::Connect(
    const std::vector<std::string>& addresses, const Options& options) {
  std::unique_ptr<ReplicaSet> replicas;
  if (addresses.size() != 1 || addresses.front() != kInProcess) {
    if (addresses.empty())
      return absl::InvalidArgumentError("no address is given; one or more servers, or inproc:, are needed");
    if (std::ranges::find(addresses, kInProcess) != addresses.end()) {
      return absl::InvalidArgumentError(
          "inproc: is one of several addresses; it must be alone (fallback_in_process computes in this "
          "process when no server answers)");
    }
    MASKD_ASSIGN_OR_RETURN(replicas, ReplicaSet::Connect(addresses, options.server, options.least_patience));
  }
  return std::unique_ptr<ShardedClient>(new ShardedClient(std::move(replicas), addresses.size(), options));
}

ShardedClient::ShardedClient(std::unique_ptr<ReplicaSet> replicas, std::size_t num_servers,
                             const Options& options)
    : options_(options),
      kernels_(replicas == nullptr || options.fallback_in_process
                   ? std::make_unique<InProcessKernels>(options.in_process_threads)
                   : nullptr),
      mixes_(options.fallback_in_process || num_servers > 1),
      replicas_(std::move(replicas)) {}

ShardedClient::~ShardedClient() = default;

absl::StatusOr<MaskingFacts> ShardedClient::RandomMasking(const MaskingSpec& spec,
                                                          std::span<const std::byte> tokens,
                                                          const MaskingBuffers& results,
                                                          const CallLimits& limits) {
  MaskingSpec with_tokens = spec;
  with_tokens.token_type = spec.token_type.value_or(TokenType());
  return Counted([&] { return Mask(with_tokens, tokens, results, limits); });
}

absl::StatusOr<MaskingFacts> ShardedClient::GenerateMask(const MaskingSpec& spec,
                                                         const MaskingBuffers& results,
                                                         const CallLimits& limits) {
  MaskingSpec without_tokens = spec;
  without_tokens.token_type.reset();
  return Counted([&] { return Mask(without_tokens, {}, results, limits); });
}

absl::StatusOr<MaskingFacts> ShardedClient::Mask(const MaskingSpec& spec, std::span<const std::byte> tokens,
                                                 const MaskingBuffers& results, const CallLimits& limits) {
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  MASKD_RETURN_IF_ERROR(CheckTokens(plan, tokens));
  const CallScope scope = BeginCall(options_.server, limits);
  MASKD_RETURN_IF_ERROR(scope.Check());
  if (replicas_ == nullptr) return kernels_->Mask(plan, tokens, results, scope);

  const std::int64_t sample_bytes = (plan.tokens_bytes + plan.result_bytes.total()) / plan.batch_size;
  const std::int64_t least_samples =
      CanBeCut(plan) ? options_.least_part_bytes / std::max<std::int64_t>(1, sample_bytes) : plan.batch_size;
  std::atomic<bool> fell_back = false;
  const auto mask_part = [&](std::size_t i, const BatchPart& part) -> absl::StatusOr<MaskingFacts> {
    MaskingFacts facts;
    const std::int64_t result_bytes = part.plan.result_bytes.total();
    const ReplicaSet::Work work = {
        .samples = part.plan.batch_size,
        .masked_bytes = part.plan.tokens_bytes + result_bytes,
        .sent_bytes = part.plan.tokens_bytes,
        .call = [&](ReplicaSet::Replica& replica,
                    const CallLimits& part_limits) -> absl::StatusOr<std::int64_t> {
          MASKD_ASSIGN_OR_RETURN(
              facts, spec.token_type.has_value()
                         ? replica.masking->RandomMasking(part.spec, part.tokens, part.results, part_limits)
                         : replica.masking->GenerateMask(part.spec, part.results, part_limits));
          if (mixes_ && facts.algorithm_version != kAlgorithmVersion) {
            return absl::InternalError(absl::StrCat("the server draws masks by algorithm ",
                                                    facts.algorithm_version, ", and others by ",
                                                    kAlgorithmVersion));
          }
          return result_bytes;
        }};
    MASKD_RETURN_IF_ERROR(Do(work, i, scope, [&](const CallScope& here) -> absl::Status {
      MASKD_ASSIGN_OR_RETURN(facts, kernels_->Mask(part.plan, part.tokens, part.results, here));
      fell_back = true;
      return absl::OkStatus();
    }));
    return facts;
  };
  absl::StatusOr<MaskingFacts> facts =
      MaskParts(spec, plan, tokens, results, replicas_->ShareOut(plan.batch_size, least_samples), mask_part);
  if (fell_back) ++fallbacks_;
  return facts;
}

absl::Status ShardedClient::Do(const ReplicaSet::Work& work, std::optional<std::size_t> first,
                               const CallScope& scope, const InProcess& in_process) {
  int attempts = 0;
  if (kernels_ == nullptr) {
    return Retry(
        scope, options_.server.max_attempts, options_.server.wait_for_room,
        [&](const CallScope& attempt) { return replicas_->Do(work, first, false, attempt, attempts); });
  }
  const absl::Status status = replicas_->Do(work, first, true, scope, attempts).status;
  if (status.ok()) computes_here_ = false;
  if (status.ok() || !IsOfServer(status) || scope.stop.stop_requested()) return status;
  // That there is no room for some calls, while others are answered, is said once.
  std::atomic<bool>& said = absl::IsResourceExhausted(status) ? said_no_room_ : computes_here_;
  if (!said.exchange(true)) {
    const std::string line =
        absl::StrCat("maskd: no server answers a call, so this process computes the same until one does: ",
                     status.message());
    if (options_.log) {
      options_.log(line);
    } else {
      std::cerr << line + "\n";
    }
  }
  // The deadline was for the servers: what they did not keep is not held against
  // the work that makes up for it.
  return in_process({.deadline = std::chrono::system_clock::time_point::max(), .stop = scope.stop});
}

template <typename Call>
auto ShardedClient::Counted(const Call& call) -> decltype(call()) {
  auto result = call();
  ++calls_;
  if (!result.ok()) ++failed_calls_;
  return result;
}

template <typename Result, typename Arguments>
absl::StatusOr<Result> ShardedClient::Compute(
    const Arguments& arguments, const CallLimits& limits,
    absl::StatusOr<Result> (TensorClient::*served)(const Arguments&, const CallLimits&),
    absl::StatusOr<Result> (InProcessKernels::*in_process)(const Arguments&, const CallScope&)) {
  return Counted([&]() -> absl::StatusOr<Result> {
    const CallScope scope = BeginCall(options_.server, limits);
    MASKD_RETURN_IF_ERROR(scope.Check());
    if (replicas_ == nullptr) return (*kernels_.*in_process)(arguments, scope);
    Result result;
    const ReplicaSet::Work work = {
        .sent_bytes = BytesOf(arguments),
        .call = [&](ReplicaSet::Replica& replica,
                    const CallLimits& work_limits) -> absl::StatusOr<std::int64_t> {
          MASKD_ASSIGN_OR_RETURN(result, (*replica.tensors.*served)(arguments, work_limits));
          return BytesOf(result);
        }};
    MASKD_RETURN_IF_ERROR(Do(work, std::nullopt, scope, [&](const CallScope& here) -> absl::Status {
      MASKD_ASSIGN_OR_RETURN(result, (*kernels_.*in_process)(arguments, here));
      ++fallbacks_;
      return absl::OkStatus();
    }));
    return result;
  });
}

absl::StatusOr<Tensor> ShardedClient::RestoreTokens(const RestoreTokensArguments& arguments,
                                                    const CallLimits& limits) {
  return Compute(arguments, limits, &TensorClient::RestoreTokens, &InProcessKernels::RestoreTokens);
}

absl::StatusOr<Tensor> ShardedClient::Gather(const GatherArguments& arguments, const CallLimits& limits) {
  return Compute(arguments, limits, &TensorClient::Gather, &InProcessKernels::Gather);
}

absl::StatusOr<Tensor> ShardedClient::Scatter(const ScatterArguments& arguments, const CallLimits& limits) {
  return Compute(arguments, limits, &TensorClient::Scatter, &InProcessKernels::Scatter);
}

absl::StatusOr<Tensor> ShardedClient::ScatterAdd(const ScatterArguments& arguments,
                                                 const CallLimits& limits) {
  return Compute(arguments, limits, &TensorClient::ScatterAdd, &InProcessKernels::ScatterAdd);
}

absl::StatusOr<Tensor> ShardedClient::MaskedSelect(const MaskedSelectArguments& arguments,
                                                   const CallLimits& limits) {
  return Compute(arguments, limits, &TensorClient::MaskedSelect, &InProcessKernels::MaskedSelect);
}

absl::StatusOr<PaddedTensors> ShardedClient::PadSequences(const PadSequencesArguments& arguments,
                                                          const CallLimits& limits) {
  return Compute(arguments, limits, &TensorClient::PadSequences, &InProcessKernels::PadSequences);
}

absl::StatusOr<MaskedMean> ShardedClient::MaskedNllLoss(const MaskedNllLossArguments& arguments,
                                                        const CallLimits& limits) {
  return Compute(arguments, limits, &TensorClient::MaskedNllLoss, &InProcessKernels::MaskedNllLoss);
}

absl::StatusOr<MaskedMean> ShardedClient::MaskedReconstructionLoss(
    const MaskedReconstructionLossArguments& arguments, const CallLimits& limits) {
  return Compute(arguments, limits, &TensorClient::MaskedReconstructionLoss,
                 &InProcessKernels::MaskedReconstructionLoss);
}

absl::StatusOr<ServerInfo> ShardedClient::GetServerInfo(const CallLimits& limits) {
  if (replicas_ == nullptr) return kernels_->GetServerInfo();
  ServerInfo info;
  MASKD_RETURN_IF_ERROR(AskOne(limits, [&info](MaskingClient& client, const CallLimits& one) -> absl::Status {
    MASKD_ASSIGN_OR_RETURN(info, client.GetServerInfo(one));
    return absl::OkStatus();
  }));
  return info;
}

absl::Status ShardedClient::CheckHealth(const CallLimits& limits) {
  if (replicas_ == nullptr) return absl::OkStatus();
  return AskOne(limits, [](MaskingClient& client, const CallLimits& one) { return client.CheckHealth(one); });
}

absl::Status ShardedClient::AskOne(
    const CallLimits& limits, const std::function<absl::Status(MaskingClient&, const CallLimits&)>& call) {
  int attempts = 0;
  const ReplicaSet::Work work = {
      .call = [&call](ReplicaSet::Replica& replica, const CallLimits& one) -> absl::StatusOr<std::int64_t> {
        MASKD_RETURN_IF_ERROR(call(*replica.masking, one));
        return 0;
      }};
  return replicas_->Do(work, std::nullopt, false, BeginCall(options_.server, limits), attempts).status;
}

ClientStatistics ShardedClient::statistics() const {
  ClientStatistics statistics = {.calls = calls_,
                                 .failed_calls = failed_calls_,
                                 .fallbacks = fallbacks_,
                                 .wait_seconds = 1e-9 * static_cast<double>(wait_nanoseconds_),
                                 .waits = waits_,
                                 .replicas = {}};
  if (replicas_ == nullptr) return statistics;
  ReplicaSet::Counts counts = replicas_->counts();
  statistics.retries = counts.retries;
  statistics.bytes_sent = counts.bytes_sent;
  statistics.bytes_received = counts.bytes_received;
  statistics.replicas = std::move(counts.replicas);
  return statistics;
}

void ShardedClient::AddWait(std::chrono::nanoseconds wait) {
  wait_nanoseconds_ += wait.count();
  ++waits_;
}

}  // namespace maskd
