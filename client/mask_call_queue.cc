#include "client/mask_call_queue.h"

#include <grpc/support/time.h>

#include <utility>

#include "client/attempt.h"
#include "client/connection.h"
#include "client/decode_response.h"
#include "client/encode_request.h"

namespace maskd {

struct MaskCallQueue::Call {
  std::uint64_t tag = 0;
  const MaskRequest* request = nullptr;
  MaskingBuffers results = {};
  std::optional<UnaryCall> call = {};  // while it is under way
};

MaskCallQueue::MaskCallQueue() { timer_.emplace(queue_); }

MaskCallQueue::~MaskCallQueue() {
  timer_.reset();
  for (const auto& call : calls_) {
    if (call->call.has_value()) call->call->Cancel();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
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
  call.call.emplace(*client.connections_.front(), kGenerateMaskMethod, request.Encode(first_sample_id),
                    /*call_bytes=*/0, BeginCall(client.options_, limits), queue_, &call);
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
      const auto came = queue_.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC));
      if (came != grpc::CompletionQueue::GOT_EVENT) return std::nullopt;
    } else {
      if (!endless) timer_->Set(until);
      queue_.Next(&tag, &ok);
    }
    if (tag != timer_->tag()) return End(*static_cast<Call*>(tag));
    timer_->Rang();
    if (waits && !endless && passed()) return std::nullopt;
  }
}

MaskCallQueue::Ended MaskCallQueue::End(Call& call) {
  Ended ended{.tag = call.tag, .facts = MaskingFacts()};
  absl::Status status = call.call->outcome().status;
  if (status.ok())
    status = DecodeGenerateMask(call.call->response(), call.request->plan(), call.results, *ended.facts);
  if (!status.ok()) ended.facts = std::move(status);
  call.call.reset();
  free_.push_back(&call);
  return ended;
}

}  // namespace maskd
