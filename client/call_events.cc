#include "client/call_events.h"

#include <algorithm>

namespace maskd {

bool CallEvents::Next(void** tag, bool* ok, Time until) {
  for (;;) {
    const Time now = std::chrono::system_clock::now();
    // A stop is not heard of while this waits.
    const Time look_up =
        broken_off_ ? Time::max() : break_off_at_.value_or(std::min(scope_.deadline, now + kLetGo));
    if (queue_.AsyncNext(tag, ok, std::min(until, look_up)) == grpc::CompletionQueue::GOT_EVENT) return true;
    const Time woken = std::chrono::system_clock::now();
    if (!break_off_at_.has_value()) {
      if (scope_.ended()) break_off_at_ = woken + kLetGo;
    } else if (!broken_off_ && woken >= *break_off_at_) {
      broken_off_ = true;
      connection_.BreakOff(channel_);
    }
    if (woken >= until) return false;
  }
}

}  // namespace maskd
