#include "client/replica_set.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/batch_parts.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

using std::chrono::milliseconds;

// What the newest measurement counts for in a speed.
constexpr double kNewestShare = 0.25;
// What a speed grows by when its replica is passed over, so that it is measured
// again some time.
constexpr double kHope = 1.02;

// A replica may take this many times what it is expected to.
constexpr double kLateness = 10;

constexpr milliseconds kFirstPause(100);
constexpr milliseconds kLongestPause(10000);
constexpr milliseconds kProbeTimeout(1000);

milliseconds PauseAfter(int failures) {
  return std::min(kLongestPause, kFirstPause * (1 << std::min(failures - 1, 10)));
}

double Blend(double speed, double newest) {
  return speed == 0 ? newest : (1 - kNewestShare) * speed + kNewestShare * newest;
}

milliseconds TimeLeft(const CallScope& scope) {
  return std::chrono::ceil<milliseconds>(scope.deadline - std::chrono::system_clock::now());
}

// The smallest call that a masker has to answer.
absl::Status AskForOneMask(MaskingClient& client, const std::stop_token& stop) {
  const MaskingSpec spec = {
      .batch_size = 1, .sequence_length = 1, .num_keep = 1, .selection = {.mask = true}};
  std::byte mask[sizeof(float)];
  return client.GenerateMask(spec, {.mask = mask}, {.timeout = kProbeTimeout, .stop = stop}).status();
}

}  // namespace

bool IsOfServer(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<std::unique_ptr<ReplicaSet>> ReplicaSet::Connect(const std::vector<std::string>& addresses,
                                                                MaskingClient::Options options,
                                                                milliseconds least_patience) {
  options.max_attempts = 1;
  options.wait_for_room = false;
  std::vector<Replica> replicas;
  for (const std::string& address : addresses) {
    Replica& replica = replicas.emplace_back(Replica{.address = address});
    MASKD_ASSIGN_OR_RETURN(replica.masking, MaskingClient::Connect(address, options));
    MASKD_ASSIGN_OR_RETURN(replica.tensors, TensorClient::Connect(address, options));
  }
  const milliseconds share = options.timeout / std::ssize(replicas) / 4;
  return std::unique_ptr<ReplicaSet>(
      new ReplicaSet(std::move(replicas), least_patience, std::min(least_patience, share)));
}

ReplicaSet::ReplicaSet(std::vector<Replica> replicas, milliseconds least_patience, milliseconds telling_delay)
    : least_patience_(least_patience),
      telling_delay_(telling_delay),
      replicas_(std::move(replicas)),
      states_(replicas_.size()) {
  for (std::size_t i = 0; i < states_.size(); ++i) states_[i].counts.address = replicas_[i].address;
  prober_ = std::jthread([this](const std::stop_token& stop) { Probe(stop); });
}

ReplicaSet::~ReplicaSet() = default;

std::vector<double> ReplicaSet::Speeds() const {
  double fastest = 0;
  for (const State& state : states_) fastest = std::max(fastest, state.bytes_per_second);
  std::vector<double> speeds;
  for (const State& state : states_) {
    const double alone = state.bytes_per_second > 0 ? state.bytes_per_second
                         : fastest > 0              ? kHope * fastest
                                                    : 1;
    speeds.push_back(alone / (1 + state.under_way));
  }
  return speeds;
}

std::vector<std::int64_t> ReplicaSet::ShareOut(std::int64_t batch_size, std::int64_t least_samples) {
  const std::lock_guard lock(mutex_);
  std::vector<double> speeds = Speeds();
  const bool any = std::ranges::any_of(states_, [](const State& state) { return state.counts.healthy; });
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (any && !states_[i].counts.healthy) speeds[i] = 0;
  }
  const std::vector<std::int64_t> shares =
      maskd::ShareOut(batch_size, any ? least_samples : batch_size, speeds);
  double fastest = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] > 0) fastest = std::max(fastest, states_[i].bytes_per_second);
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    double& speed = states_[i].bytes_per_second;
    if (shares[i] == 0 && states_[i].counts.healthy)
      speed = std::min(kHope * speed, std::max(speed, kHope * fastest));
  }
  return shares;
}

std::vector<std::size_t> ReplicaSet::OrderFrom(std::optional<std::size_t> first, std::size_t* healthy) const {
  const std::lock_guard lock(mutex_);
  const std::vector<double> speeds = Speeds();
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < states_.size(); ++i) order.push_back(i);
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    const bool healthy_a = states_[a].counts.healthy;
    const bool healthy_b = states_[b].counts.healthy;
    if (healthy_a != healthy_b) return healthy_a;
    if (first.has_value() && (a == *first) != (b == *first)) return a == *first;
    return speeds[a] > speeds[b];
  });
  *healthy = static_cast<std::size_t>(
      std::ranges::count_if(states_, [](const State& state) { return state.counts.healthy; }));
  return order;
}

milliseconds ReplicaSet::PatienceWith(std::size_t i, const Work& work, std::size_t others,
                                      const CallScope& scope) const {
  const milliseconds left = TimeLeft(scope);
  if (others == 0) return left;
  const milliseconds share = left / static_cast<std::int64_t>(others + 1);
  const std::lock_guard lock(mutex_);
  const State& state = states_[i];
  if (state.bytes_per_second == 0 || work.masked_bytes == 0) return share;
  const double expected = static_cast<double>(work.masked_bytes) / state.bytes_per_second;
  const std::chrono::duration<double> late(kLateness * expected * (1 + state.under_way));
  return late < share ? std::max(std::min(least_patience_, share), std::chrono::ceil<milliseconds>(late))
                      : share;
}

Outcome ReplicaSet::Do(const Work& work, std::optional<std::size_t> first, bool alternative,
                       const CallScope& scope, int& attempts) {
  std::size_t healthy = 0;
  std::vector<std::size_t> order = OrderFrom(first, &healthy);
  std::vector<std::string> sentences;
  if (alternative) {
    const std::lock_guard lock(mutex_);
    for (std::size_t at = healthy; at < order.size(); ++at)
      sentences.push_back(
          absl::StrCat(replicas_[order[at]].address, ": ", states_[order[at]].last_error, " (left out)"));
    order.resize(healthy);
  }
  Outcome outcome = {.status = absl::UnavailableError("")};
  for (std::size_t at = 0; at < order.size() && !scope.ended(); ++at) {
    if (attempts++ > 0) {
      const std::lock_guard lock(mutex_);
      ++retries_;
    }
    const std::size_t others = (at < healthy ? healthy : order.size()) - at - 1 + (alternative ? 1 : 0);
    // If this one hangs, one of those that are left out may have come back.
    const bool last_hope = at + 1 == healthy && healthy < order.size();
    const milliseconds patience =
        last_hope ? TimeLeft(scope) / 2 : PatienceWith(order[at], work, others, scope);
    const absl::Status status = Ask(order[at], work, {.timeout = patience, .stop = scope.stop});
    if (status.ok() || !IsOfServer(status) || scope.stop.stop_requested()) return {.status = status};
    sentences.push_back(absl::StrCat(replicas_[order[at]].address, ": ", status.message()));
    // Of several, what may pass soonest.
    const auto delay = AdvisedDelay(status);
    if (delay.has_value() && (!outcome.retry_delay.has_value() || *delay < *outcome.retry_delay))
      outcome.retry_delay = delay;
    if (at == 0 || delay.has_value() || (absl::IsUnavailable(status) && !outcome.retry_delay.has_value()))
      outcome.status = status;
  }
  if (scope.ended()) {
    outcome.status = absl::DeadlineExceededError("");
    if (sentences.empty()) sentences.emplace_back(scope.Check().message());
  } else if (absl::IsDeadlineExceeded(outcome.status)) {
    outcome.status = absl::UnavailableError("");  // there is time to ask again
  }
  return {.status = absl::Status(outcome.status.code(), absl::StrJoin(sentences, "; ")),
          .retry_delay = outcome.retry_delay};
}

absl::Status ReplicaSet::Ask(std::size_t i, const Work& work, const CallLimits& limits) {
  State& state = states_[i];
  {
    const std::lock_guard lock(mutex_);
    ++state.counts.calls;
    ++state.under_way;
    bytes_sent_ += work.sent_bytes;
  }
  const Clock::time_point begin = Clock::now();
  const absl::StatusOr<std::int64_t> received = work.call(replicas_[i], limits);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();

  const std::lock_guard lock(mutex_);
  --state.under_way;
  if (received.ok()) {
    state.counts.healthy = true;
    state.failures_in_a_row = 0;
    bytes_received_ += *received;
    if (work.samples > 0 && seconds > 0) {
      state.counts.samples += work.samples;
      state.counts.samples_per_second =
          Blend(state.counts.samples_per_second, static_cast<double>(work.samples) / seconds);
      state.bytes_per_second =
          Blend(state.bytes_per_second, static_cast<double>(work.masked_bytes) / seconds);
    }
  } else if (IsOfServer(received.status()) && !limits.stop.stop_requested()) {
    ++state.counts.failures;
    // That it did not answer in less time than others get says nothing of it.
    if (!absl::IsDeadlineExceeded(received.status()) || *limits.timeout >= telling_delay_)
      TakeOut(state, received.status());
  }
  return received.status();
}

// One that has no room, or takes nothing this large, answers others.
void ReplicaSet::TakeOut(State& state, const absl::Status& status) {
  if (absl::IsResourceExhausted(status) || !state.counts.healthy) return;
  state.counts.healthy = false;
  state.last_error = std::string(status.message());
  state.next_probe = Clock::now() + PauseAfter(++state.failures_in_a_row);
  left_out_.notify_all();
}

void ReplicaSet::Probe(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    // The one that is due first.
    std::optional<std::size_t> next;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (states_[i].counts.healthy) continue;
      if (!next.has_value() || states_[i].next_probe < states_[*next].next_probe) next = i;
    }
    if (!next.has_value()) {
      left_out_.wait(lock, stop, [this] {
        return std::ranges::any_of(states_, [](const State& state) { return !state.counts.healthy; });
      });
      continue;
    }
    State& state = states_[*next];
    const Clock::time_point due = state.next_probe;
    if (Clock::now() < due) {
      left_out_.wait_until(lock, stop, due, [this, due] {
        return std::ranges::any_of(
            states_, [due](const State& other) { return !other.counts.healthy && other.next_probe < due; });
      });
      continue;
    }
    lock.unlock();
    const absl::Status status = AskForOneMask(*replicas_[*next].masking, stop);
    lock.lock();
    if (status.ok()) {
      // Failures in a row stay until it has done work: a replica that answers
      // probes alone is asked less and less.
      state.counts.healthy = true;
    } else {
      state.last_error = std::string(status.message());
      state.next_probe = Clock::now() + PauseAfter(++state.failures_in_a_row);
    }
  }
}

ReplicaSet::Counts ReplicaSet::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts = {.retries = retries_, .bytes_sent = bytes_sent_, .bytes_received = bytes_received_};
  for (const State& state : states_) counts.replicas.push_back(state.counts);
  return counts;
}

}  // namespace maskd
