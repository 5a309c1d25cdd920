// What a call waits for.
#ifndef MASKD_CLIENT_CALL_EVENTS_H_
#define MASKD_CLIENT_CALL_EVENTS_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "client/attempt.h"
#include "client/connection.h"

namespace maskd {

// The events of one call, in the order in which gRPC gives them. A server that has
// stopped reading keeps them back for as long as it likes, also when the call is late or
// cancelled: its connection is broken off then, upon which they come. For one thread.
class CallEvents {
 public:
  using Time = std::chrono::system_clock::time_point;

  // Of a call with `scope` on `channel` of `connection`.
  CallEvents(Connection& connection, std::shared_ptr<grpc::Channel> channel, const CallScope& scope)
      : connection_(connection), channel_(std::move(channel)), scope_(scope) {}

  // Where the events must come out.
  grpc::CompletionQueue& queue() { return queue_; }

  // Waits for the next one; false if none comes until then.
  bool Next(void** tag, bool* ok, Time until = Time::max());

 private:
  Connection& connection_;
  const std::shared_ptr<grpc::Channel> channel_;
  const CallScope& scope_;
  grpc::CompletionQueue queue_;
  std::optional<Time> break_off_at_;  // set when the call has been seen to have ended
  bool broken_off_ = false;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_CALL_EVENTS_H_
