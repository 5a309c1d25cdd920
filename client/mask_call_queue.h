// GenerateMask calls that are begun without waiting and waited for together.
//
//   MaskCallQueue calls;
//   for (std::uint64_t i = 0; i < 16; ++i) calls.Start(*client, request, i, results[i], {}, i);
//   while (calls.under_way() > 0) {
//     const std::optional<MaskCallQueue::Ended> ended = calls.Wait();
//     ...
//   }
#ifndef MASKD_CLIENT_MASK_CALL_QUEUE_H_
#define MASKD_CLIENT_MASK_CALL_QUEUE_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "client/mask_request.h"
#include "client/masking_client.h"
#include "client/queue_timer.h"
#include "kernels/masker.h"

namespace maskd {

// Many calls in flight on one thread, which costs a small call a third of what a
// thread that waits for it does. Each is one attempt, whatever the client's options
// say of others. A call that is late is cancelled here: its server is not told of the
// deadline, for which both ends would have a timer. If its end does not come even so,
// its connection is broken off. Not thread-safe.
class MaskCallQueue {
 public:
  struct Ended {
    std::uint64_t tag;
    // As MaskingClient::GenerateMask returns.
    absl::StatusOr<MaskingFacts> facts;
  };

  MaskCallQueue();
  // Cancels the calls under way and waits until they have ended.
  ~MaskCallQueue();

  MaskCallQueue(const MaskCallQueue&) = delete;
  MaskCallQueue& operator=(const MaskCallQueue&) = delete;

  // Begins a call of `client` for the samples from `first_sample_id` on. Client, request
  // and results must be there until it has ended.
  void Start(MaskingClient& client, const MaskRequest& request, std::uint64_t first_sample_id,
             const MaskingBuffers& results, const CallLimits& limits, std::uint64_t tag);

  using Time = std::chrono::steady_clock::time_point;

  // A call that has ended, which is waited for until then or until that time; max()
  // has no end, min() does not wait. Nothing if none has ended, or at once if none is
  // under way and the wait has no end. Calls are found late in here.
  std::optional<Ended> Wait(Time until = Time::max());

  // Calls that Wait has not returned yet.
  std::size_t under_way() const { return calls_.size() - free_.size(); }

 private:
  struct Call;

  // The next of the queue. Asks again and again for a moment before it sleeps, if the
  // last came that soon.
  void Next(void** tag, bool* ok);
  // Cancels what is late, and breaks the connections off of what does not end.
  void LookAfterCalls();
  // That of a call under way. When to look again.
  static Time LookAfter(Call& call, Time now);
  Ended End(Call& call);

  grpc::CompletionQueue queue_;
  std::optional<QueueTimer> timer_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<Call*> free_;       // those of calls_ that are not under way
  Time next_look_ = Time::max();  // before it there is nothing to do about those under way
  bool ends_come_soon_ = false;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_MASK_CALL_QUEUE_H_
