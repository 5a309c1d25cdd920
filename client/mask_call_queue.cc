#include "client/mask_call_queue.h"

#include <grpc/support/time.h>

#include <algorithm>
#include <stop_token>
#include <utility>

#include "client/attempt.h"
#include "client/connection.h"
#include "client/decode_response.h"
#include "client/encode_request.h"

namespace maskd {
namespace {

// To be woken takes as long as this, of the server's time too, which has to wake who
// sleeps with each answer.
constexpr std::chrono::microseconds kSoon(20);

}  // namespace

struct MaskCallQueue::Call {
  std::uint64_t tag = 0;
  const MaskRequest* request = nullptr;
  MaskingBuffers results = {};
  Connection* connection = nullptr;
  std::shared_ptr<grpc::Channel> channel = {};
  Time deadline = {};
  bool late = false;                      // and cancelled
  std::optional<Time> break_off_at = {};  // set when it is late or stopped
  std::optional<UnaryCall> call = {};     // while it is under way

  void BreakOff() const { connection->BreakOff(channel); }
};

MaskCallQueue::MaskCallQueue() { timer_.emplace(queue_); }

MaskCallQueue::~MaskCallQueue() {
  const void* const rang = timer_->tag();
  timer_.reset();
  for (const auto& call : calls_) {
    if (call->call.has_value()) call->call->Cancel();
  }
  queue_.Shutdown();
  const auto let_go = std::chrono::system_clock::now() + kLetGo;
  void* tag = nullptr;
  bool ok = false;
  auto came = grpc::CompletionQueue::GOT_EVENT;
  while ((came = queue_.AsyncNext(&tag, &ok, let_go)) == grpc::CompletionQueue::GOT_EVENT) {
    if (tag != rang) static_cast<Call*>(tag)->call.reset();
  }
  if (came == grpc::CompletionQueue::SHUTDOWN) return;
  for (const auto& call : calls_) {
    if (call->call.has_value()) call->BreakOff();
  }
  while (queue_.Next(&tag, &ok)) {
  }
}

void MaskCallQueue::Start(MaskingClient& client, const MaskRequest& request, std::uint64_t first_sample_id,
                          const MaskingBuffers& results, const CallLimits& limits, std::uint64_t tag) {
  if (free_.empty()) free_.push_back(calls_.emplace_back(std::make_unique<Call>()).get());
  Call& call = *free_.back();
  free_.pop_back();
  call.tag = tag;
  call.request = &request;
  call.results = results;
  call.connection = client.connections_.front().get();
  call.channel = call.connection->channel();
  const Time now = std::chrono::steady_clock::now();
  call.deadline = now + TimeoutOf(client.options_, limits);
  call.late = false;
  call.break_off_at.reset();
  next_look_ =
      std::min({next_look_, call.deadline, limits.stop.stop_possible() ? now + kLetGo : Time::max()});
  const CallScope scope{.deadline = std::chrono::system_clock::time_point::max(), .stop = limits.stop};
  call.call.emplace(call.channel, kGenerateMaskMethod, request.Encode(first_sample_id), /*call_bytes=*/0,
                    scope, queue_, &call);
}

std::optional<MaskCallQueue::Ended> MaskCallQueue::Wait(Time until) {
  const bool endless = until == Time::max();
  if (endless && under_way() == 0) return std::nullopt;
  const auto passed = [until] { return std::chrono::steady_clock::now() >= until; };
  const bool waits = endless || (until != Time::min() && !passed());
  for (;;) {
    void* tag = nullptr;
    bool ok = false;
    if (!waits) {
      LookAfterCalls();
      const auto came = queue_.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC));
      if (came != grpc::CompletionQueue::GOT_EVENT) return std::nullopt;
    } else {
      timer_->Set(std::min(until, next_look_));
      Next(&tag, &ok);
    }
    if (tag != timer_->tag()) return End(*static_cast<Call*>(tag));
    timer_->Rang();
    LookAfterCalls();
    if (waits && !endless && passed()) return std::nullopt;
  }
}

void MaskCallQueue::Next(void** tag, bool* ok) {
  const Time begin = std::chrono::steady_clock::now();
  const auto soon = [begin] { return std::chrono::steady_clock::now() - begin < kSoon; };
  while (ends_come_soon_) {
    const auto came = queue_.AsyncNext(tag, ok, gpr_inf_past(GPR_CLOCK_MONOTONIC));
    if (came == grpc::CompletionQueue::GOT_EVENT) return;
    ends_come_soon_ = soon();
  }
  queue_.Next(tag, ok);
  ends_come_soon_ = soon();
}

void MaskCallQueue::LookAfterCalls() {
  const Time now = std::chrono::steady_clock::now();
  if (now < next_look_) return;
  next_look_ = Time::max();
  for (const auto& call : calls_) {
    if (call->call.has_value()) next_look_ = std::min(next_look_, LookAfter(*call, now));
  }
}

MaskCallQueue::Time MaskCallQueue::LookAfter(Call& call, Time now) {
  if (!call.break_off_at.has_value()) {
    const std::stop_token& stop = call.call->stop();
    call.late = call.deadline <= now;
    if (call.late) {
      call.call->Cancel();
    } else if (!stop.stop_requested()) {
      return stop.stop_possible() ? std::min(call.deadline, now + kLetGo) : call.deadline;
    }
    call.break_off_at = now + kLetGo;
  } else if (*call.break_off_at <= now) {
    call.BreakOff();
    call.break_off_at = Time::max();
  }
  return *call.break_off_at;
}

MaskCallQueue::Ended MaskCallQueue::End(Call& call) {
  Ended ended{.tag = call.tag, .facts = MaskingFacts()};
  absl::Status status = call.call->outcome().status;
  if (call.late && !status.ok()) status = DeadlinePassed();
  if (status.ok())
    status = DecodeGenerateMask(call.call->response(), call.request->plan(), call.results, *ended.facts);
  if (!status.ok()) ended.facts = std::move(status);
  call.call.reset();
  call.channel.reset();
  free_.push_back(&call);
  return ended;
}

}  // namespace maskd
