// Wakes who waits for a completion queue, at a time.
#ifndef MASKD_CLIENT_QUEUE_TIMER_H_
#define MASKD_CLIENT_QUEUE_TIMER_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace maskd {

// gRPC's own deadlines are rounded up to milliseconds. This one has a thread that
// sleeps, from the first Set on. For one thread that waits; must go before its queue
// shuts down.
class QueueTimer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit QueueTimer(grpc::CompletionQueue& queue) : queue_(queue) {}
  ~QueueTimer();

  // Has tag() come out of the queue at `due`, instead of at a time set before.
  void Set(Time due);

  void* tag() { return &alarm_; }

  // To be called when tag() has come out, which it does not again before.
  void Rang();

 private:
  void Run();

  grpc::CompletionQueue& queue_;
  grpc::Alarm alarm_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  Time due_ = Time::max();       // max: not set
  Time wakes_at_ = Time::min();  // when the thread looks at due_ next
  bool ringing_ = false;         // tag() is in the queue
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_QUEUE_TIMER_H_
