// Ends calls whose callers have stopped half way.
#ifndef MASKD_SERVER_IDLE_WATCH_H_
#define MASKD_SERVER_IDLE_WATCH_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <thread>

#include "server/byte_call.h"

namespace maskd {

// Thread-safe. Outlives its guards.
class IdleWatch {
 public:
  // Cancels a watched call once its caller has kept it waiting for `max_idle`,
  // or at most a quarter longer.
  explicit IdleWatch(std::chrono::milliseconds max_idle);
  ~IdleWatch();

  IdleWatch(const IdleWatch&) = delete;
  IdleWatch& operator=(const IdleWatch&) = delete;

  // Has `call` watched as long as it lives.
  class Guard {
   public:
    Guard(IdleWatch& watch, StreamCall& call) : watch_(watch), call_(call) { watch_.Add(&call_); }
    ~Guard() { watch_.Remove(&call_); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    IdleWatch& watch_;
    StreamCall& call_;
  };

  // Calls that were cancelled so far.
  std::int64_t cancelled() const { return cancelled_; }

 private:
  void Add(StreamCall* call);
  void Remove(StreamCall* call);
  void Watch();

  const std::chrono::milliseconds max_idle_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::set<StreamCall*> calls_;  // guarded by mutex_
  bool stopping_ = false;        // guarded by mutex_
  std::atomic<std::int64_t> cancelled_ = 0;
  std::thread thread_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_IDLE_WATCH_H_
