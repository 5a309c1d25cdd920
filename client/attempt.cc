#include "client/attempt.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/call_events.h"
#include "client/decode_response.h"
#include "client/status_adapter.h"
#include "proto/metadata_keys.h"

namespace maskd {
namespace {

constexpr std::chrono::milliseconds kFirstBackoff(50);
constexpr std::chrono::milliseconds kLongestBackoff(2000);

// A call for which the server makes room before it reads the request.
constexpr std::int64_t kLargeCallBytes = std::int64_t{1} << 20;

// Half to one and a half of `delay`, so that callers that were refused together
// do not come back together.
std::chrono::milliseconds Spread(std::chrono::milliseconds delay) {
  thread_local std::minstd_rand random(std::random_device{}());
  std::uniform_int_distribution<std::int64_t> part(delay.count() / 2, delay.count() * 3 / 2);
  return std::chrono::milliseconds(part(random));
}

// The payload of a status that has the server's advice, in milliseconds.
constexpr char kRetryDelay[] = "maskd/retry-delay-ms";

absl::Status WithDelay(Outcome outcome) {
  if (outcome.retry_delay.has_value())
    outcome.status.SetPayload(kRetryDelay, absl::Cord(absl::StrCat(outcome.retry_delay->count())));
  return std::move(outcome.status);
}

// Returns early if a stop is requested.
void Sleep(std::chrono::milliseconds delay, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, delay, [] { return false; });
}

}  // namespace

std::unique_ptr<Connection> Dial(const std::string& address, const MaskingClient::Options& options) {
  return std::make_unique<Connection>(
      address, Connection::Options{.max_message_bytes = options.max_message_bytes,
                                   .tls_root_certificates = options.tls_root_certificates,
                                   .tls_certificate_chain = options.tls_certificate_chain,
                                   .tls_private_key = options.tls_private_key,
                                   .transparent_retries = options.transparent_retries});
}

std::chrono::milliseconds TimeoutOf(const MaskingClient::Options& options, const CallLimits& limits) {
  constexpr std::chrono::hours kLongest(24 * 365 * 100);
  return std::clamp<std::chrono::milliseconds>(limits.timeout.value_or(options.timeout), -kLongest, kLongest);
}

CallScope BeginCall(const MaskingClient::Options& options, const CallLimits& limits) {
  return {.deadline = std::chrono::system_clock::now() + TimeoutOf(options, limits), .stop = limits.stop};
}

absl::Status DeadlinePassed() { return absl::DeadlineExceededError("the deadline of the call has passed"); }

absl::Status CallScope::Check() const {
  if (stop.stop_requested()) return absl::CancelledError("the caller asked to stop");
  if (ended()) return DeadlinePassed();
  return absl::OkStatus();
}

std::optional<std::chrono::milliseconds> AdvisedDelay(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryDelay);
  std::int64_t delay = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &delay)) return std::nullopt;
  return std::chrono::milliseconds(delay);
}

Outcome AnswerMissing(const CallScope& scope, absl::string_view message) {
  absl::Status ended = scope.Check();
  return {.status = ended.ok() ? MalformedAnswer(message) : std::move(ended)};
}

absl::Status Retry(CallScope scope, int max_attempts, bool wait_for_room,
                   const std::function<Outcome(const CallScope& scope)>& attempt) {
  std::chrono::milliseconds backoff = kFirstBackoff;
  for (int unavailable = 0;;) {
    if (scope.stop.stop_requested()) return absl::CancelledError("the caller asked to stop");
    Outcome outcome = attempt(scope);
    ++scope.attempt;
    std::chrono::milliseconds delay;
    if (absl::IsUnavailable(outcome.status) && ++unavailable < max_attempts) {
      delay = outcome.retry_delay.value_or(backoff);
      backoff = std::min(2 * backoff, kLongestBackoff);
    } else if (wait_for_room && absl::IsResourceExhausted(outcome.status) &&
               outcome.retry_delay.has_value()) {
      delay = *outcome.retry_delay;
    } else {
      return WithDelay(std::move(outcome));
    }
    delay = Spread(delay);
    // What is known now is worth more than a deadline that passes.
    if (std::chrono::system_clock::now() + delay >= scope.deadline) return WithDelay(std::move(outcome));
    Sleep(delay, scope.stop);
  }
}

void SetScope(const CallScope& scope, grpc::ClientContext& context) {
  context.set_deadline(scope.deadline);
  if (scope.attempt > 1) context.AddMetadata(kAttemptKey, std::to_string(scope.attempt));
}

void SetCallBytes(std::int64_t call_bytes, grpc::ClientContext& context) {
  if (call_bytes > 0) context.AddMetadata(kCallBytesKey, std::to_string(call_bytes));
}

UnaryCall::UnaryCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                     const grpc::ByteBuffer& request, std::int64_t call_bytes, const CallScope& scope,
                     grpc::CompletionQueue& queue, void* tag)
    : scope_(scope), cancel_(scope.stop, CancelContext{&context_}) {
  SetScope(scope, context_);
  SetCallBytes(call_bytes, context_);
  grpc::GenericStub stub(channel);
  reader_ = stub.PrepareUnaryCall(&context_, method, request, &queue);
  reader_->StartCall();
  reader_->Finish(&response_, &status_, tag);
}

Outcome UnaryCall::outcome() const {
  if (status_.ok() && !response_.Valid()) return AnswerMissing(scope_, "the server sent no response");
  return ToOutcome(status_);
}

Outcome CallUnary(Connection& connection, const std::string& method, const grpc::ByteBuffer& request,
                  std::int64_t call_bytes, const CallScope& scope, grpc::ByteBuffer* response) {
  if (call_bytes >= kLargeCallBytes)
    return CallLarge(connection, method, request, call_bytes, scope, response);
  const auto channel = connection.channel();
  CallEvents events(connection, channel, scope);
  UnaryCall call(channel, method, request, call_bytes, scope, events.queue(), nullptr);
  void* tag = nullptr;
  bool ok = false;
  events.Next(&tag, &ok);
  Outcome outcome = call.outcome();
  response->Swap(&call.response());
  return outcome;
}

void TakeBack(BorrowedBytes& bytes, Connection& connection) {
  const auto channel = connection.channel();
  if (!bytes.Wait(std::chrono::steady_clock::now() + kLetGo)) connection.BreakOff(channel);
}

}  // namespace maskd
