#include "client/maskload/masking_target.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/decode_response.h"
#include "client/mask_call_queue.h"
#include "client/maskload/format_figures.h"
#include "client/result_layout.h"
#include "kernels/available_cores.h"
#include "kernels/status_macros.h"

namespace maskd::maskload {
namespace {

absl::Status CheckFits(const std::string& label, const MaskingPlan& plan) {
  const double needed =
      static_cast<double>(plan.tokens_bytes) + static_cast<double>(plan.result_bytes.total());
  const double memory =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (needed <= memory) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(label, " takes ", FormatBytes(needed),
                                                 " of tokens and results; this machine has ",
                                                 FormatBytes(memory)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<MaskingTarget>> MaskingTarget::Make(Options options) {
  // The constructor is private.
  std::unique_ptr<MaskingTarget> target(new MaskingTarget(std::move(options)));
  std::int64_t tokens_bytes = 0;
  for (const BatchShape& shape : target->options_.mix.shapes()) {
    MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(target->SpecOf(shape, 0)));
    MASKD_RETURN_IF_ERROR(CheckFits(shape.label, plan));
    target->ids_per_call_ = std::max(target->ids_per_call_, shape.batch_size);
    tokens_bytes = std::max(tokens_bytes, plan.tokens_bytes);
    target->plans_.push_back(plan);
  }
  for (const std::string& address : target->options_.addresses) {
    auto& clients = target->clients_.emplace_back();
    for (int i = 0; i < target->options_.connections; ++i) {
      MASKD_ASSIGN_OR_RETURN(auto client, MaskingClient::Connect(address, target->options_.client));
      clients.push_back(std::move(client));
    }
  }
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  const std::size_t words = (static_cast<std::size_t>(tokens_bytes) + kWord - 1) / kWord;
  try {
    if (words > 0) target->tokens_ = AllocateHostBlock(words * kWord);
  } catch (const std::bad_alloc&) {
    return absl::InvalidArgumentError(
        absl::StrCat("no memory for tokens of ", FormatBytes(static_cast<double>(tokens_bytes))));
  }
  for (std::size_t i = 0; i < words; ++i) {
    const std::uint64_t word = (i + 1) * 0x9E3779B97F4A7C15u;
    std::memcpy(&target->tokens_.bytes[i * kWord], &word, kWord);
  }
  target->results_.resize(static_cast<std::size_t>(target->options_.concurrency));
  target->free_results_.resize(target->options_.mix.shapes().size());
  return target;
}

absl::StatusOr<ServerInfo> MaskingTarget::Greet(std::size_t address, const CallLimits& limits) {
  absl::StatusOr<ServerInfo> info = clients_[address].front()->GetServerInfo(limits);
  for (std::size_t i = 1; i < clients_[address].size() && info.ok(); ++i)
    clients_[address][i]->GetServerInfo(limits).IgnoreError();
  return info;
}

MaskingTarget::Prepared MaskingTarget::Prepare(int worker, std::int64_t number) {
  const std::size_t address = static_cast<std::size_t>(number) % clients_.size();
  const std::size_t shape = options_.mix.Pick(number);
  const std::size_t connection = static_cast<std::size_t>(worker) % clients_[address].size();
  Prepared call{.client = *clients_[address][connection],
                .outcome = {.status = absl::OkStatus(), .address = address, .shape = shape}};
  const MaskingPlan& plan = plans_[shape];
  HostBlock& block = results_[static_cast<std::size_t>(worker)];
  try {
    block = TakeResults(shape);
  } catch (const std::bad_alloc&) {
    call.outcome.status = absl::ResourceExhaustedError(
        absl::StrCat("maskload has no memory for results of ",
                     FormatBytes(static_cast<double>(plan.result_bytes.total()))));
    WarnOnce(address, call.outcome.status);
    return call;
  }
  call.results = LayOutResults(plan.result_bytes, block.bytes.data());
  call.outcome.bytes_sent = plan.tokens_bytes;
  call.outcome.bytes_received = plan.result_bytes.total();
  return call;
}

CallOutcome MaskingTarget::Settle(int worker, CallOutcome outcome, absl::Status status,
                                  const std::stop_token& stop) {
  outcome.status = std::move(status);
  if (outcome.status.ok()) return outcome;
  Release(worker, outcome.shape);
  outcome.malformed = IsMalformedAnswer(outcome.status);
  if (!stop.stop_requested()) WarnOnce(outcome.address, outcome.status);
  return outcome;
}

CallOutcome MaskingTarget::Call(int worker, std::int64_t number, const std::stop_token& stop) {
  Prepared call = Prepare(worker, number);
  if (!call.outcome.status.ok()) return std::move(call.outcome);
  const std::size_t shape = call.outcome.shape;
  const MaskingSpec spec = SpecOf(options_.mix.shapes()[shape], number);
  const CallLimits limits{.stop = stop};
  absl::Status status =
      spec.token_type.has_value()
          ? call.client.RandomMasking(spec, TokensOf(plans_[shape]), call.results, limits).status()
          : call.client.GenerateMask(spec, call.results, limits).status();
  return Settle(worker, std::move(call.outcome), std::move(status), stop);
}

// Those of one thread. A call's tag is its worker.
class MaskingTarget::MaskCalls final : public OverlappingCalls {
 public:
  MaskCalls(MaskingTarget& target, std::stop_token stop) : target_(target), limits_{.stop = std::move(stop)} {
    // Make has found the specs well-formed.
    for (const BatchShape& shape : target.shapes())
      requests_.push_back(*MaskRequest::Make(target.SpecOf(shape, 0)));
  }

  void Start(int worker, std::int64_t number) override {
    Prepared call = target_.Prepare(worker, number);
    if (!call.outcome.status.ok()) {
      failed_.push_back({.worker = worker, .outcome = std::move(call.outcome)});
      return;
    }
    const auto tag = static_cast<std::size_t>(worker);
    if (tag >= outcomes_.size()) outcomes_.resize(tag + 1);
    const MaskRequest& request = requests_[call.outcome.shape];
    outcomes_[tag] = std::move(call.outcome);
    calls_.Start(call.client, request, target_.FirstSampleId(number), call.results, limits_, tag);
  }

  std::optional<Ended> Wait(Nanos until) override {
    if (!failed_.empty()) {
      Ended ended = std::move(failed_.back());
      failed_.pop_back();
      return ended;
    }
    std::optional<MaskCallQueue::Ended> ended = calls_.Wait(MaskCallQueue::Time(until));
    if (!ended.has_value()) return std::nullopt;
    const int worker = static_cast<int>(ended->tag);
    return Ended{.worker = worker,
                 .outcome = target_.Settle(worker, std::move(outcomes_[ended->tag]), ended->facts.status(),
                                           limits_.stop)};
  }

 private:
  MaskingTarget& target_;
  const CallLimits limits_;
  std::vector<MaskRequest> requests_;  // of each shape
  std::vector<CallOutcome> outcomes_;  // of the calls under way, by worker
  std::vector<Ended> failed_;          // before they began
  MaskCallQueue calls_;
};

std::vector<std::unique_ptr<OverlappingCalls>> MaskingTarget::Overlap(const std::stop_token& stop) {
  std::vector<std::unique_ptr<OverlappingCalls>> threads;
  const auto has_tokens = [](const BatchShape& shape) { return shape.token_dim > 0; };
  if (std::ranges::any_of(options_.mix.shapes(), has_tokens)) return threads;
  const int num_threads = std::min({options_.connections, options_.concurrency, AvailableWholeCores()});
  for (int i = 0; i < num_threads; ++i) threads.push_back(std::make_unique<MaskCalls>(*this, stop));
  return threads;
}

bool MaskingTarget::LooksAt(std::int64_t number) const {
  switch (options_.verification) {
    case Verification::kAll:
      return true;
    case Verification::kSample:
      return CallOfAddress(number) % kVerifiedCalls == 0;
    case Verification::kNone:
      break;
  }
  return false;
}

std::optional<bool> MaskingTarget::Verify(int worker, std::int64_t number) {
  std::optional<bool> right;
  if (LooksAt(number)) right = IsRight(worker, number);
  Release(worker, options_.mix.Pick(number));
  return right;
}

bool MaskingTarget::IsRight(int worker, std::int64_t number) {
  const MaskingSpec spec = SpecOf(options_.mix.shapes()[options_.mix.Pick(number)], number);
  const absl::StatusOr<MaskingPlan> plan = MakeMaskingPlan(spec);
  std::byte* const memory = results_[static_cast<std::size_t>(worker)].bytes.data();
  const absl::Status status =
      verifier_.Verify(*plan, TokensOf(*plan), LayOutResults(plan->result_bytes, memory));
  if (status.ok()) return true;
  WarnOnce(static_cast<std::size_t>(number) % clients_.size(),
           absl::DataLossError(
               absl::StrCat("wrong result of call ", number, ": ", std::string(status.message()))));
  return false;
}

std::int64_t MaskingTarget::CallOfAddress(std::int64_t number) const {
  return number / static_cast<std::int64_t>(clients_.size());
}

std::uint64_t MaskingTarget::FirstSampleId(std::int64_t number) const {
  return options_.masking.first_sample_id +
         static_cast<std::uint64_t>(number) * static_cast<std::uint64_t>(ids_per_call_);
}

MaskingSpec MaskingTarget::SpecOf(const BatchShape& shape, std::int64_t number) const {
  MaskingSpec spec = options_.masking;
  spec.batch_size = shape.batch_size;
  spec.sequence_length = shape.sequence_length;
  spec.first_sample_id = FirstSampleId(number);
  spec.selection.mask = spec.selection.ids_restore = true;
  if (shape.token_dim > 0) {
    spec.token_type = TokenType{.token_dim = shape.token_dim, .element_bytes = shape.element_bytes};
    spec.selection.kept_tokens = true;
  }
  return spec;
}

std::span<const std::byte> MaskingTarget::TokensOf(const MaskingPlan& plan) const {
  return tokens_.bytes.first(static_cast<std::size_t>(plan.tokens_bytes));
}

HostBlock MaskingTarget::TakeResults(std::size_t shape) {
  {
    const std::lock_guard lock(mutex_);
    std::vector<HostBlock>& free = free_results_[shape];
    if (!free.empty()) {
      HostBlock block = std::move(free.back());
      free.pop_back();
      return block;
    }
  }
  return AllocateHostBlock(static_cast<std::size_t>(plans_[shape].result_bytes.total()));
}

void MaskingTarget::Release(int worker, std::size_t shape) {
  const std::lock_guard lock(mutex_);
  free_results_[shape].push_back(std::exchange(results_[static_cast<std::size_t>(worker)], {}));
}

void MaskingTarget::WarnOnce(std::size_t address, const absl::Status& status) {
  {
    const std::lock_guard lock(mutex_);
    const std::pair warning(address, status.code());
    if (std::ranges::find(warned_, warning) != warned_.end()) return;
    warned_.push_back(warning);
  }
  options_.warn(absl::StrCat(options_.addresses[address], ": ", std::string(status.message()), " [",
                             absl::StatusCodeToString(status.code()), "]; the run goes on"));
}

}  // namespace maskd::maskload
