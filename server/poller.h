// A thread that polls gRPC, with a completion queue of its own.
#ifndef MASKD_SERVER_POLLER_H_
#define MASKD_SERVER_POLLER_H_

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/server_builder.h>

#include <coroutine>
#include <memory>
#include <thread>

#include "server/event.h"

namespace maskd {

// Makes gRPC give each connection to one poller, which alone reads and writes it,
// so that small calls do not wait for the bulk of another connection. Without
// this, all pollers share one set of sockets, and any reads any. To be called
// before gRPC is first used; a GRPC_POLL_STRATEGY of the environment wins.
void SeparatePollers();

// Whatever a call asks of gRPC it asks on the thread of its poller. From another
// thread it would hold gRPC's lock of the connection while the poller wants it,
// and gRPC would hand the connection to a thread of its executor
// (docs/performance.md).
class Poller {
 public:
  // To be made before the server is built.
  explicit Poller(grpc::ServerBuilder& builder) : queue_(builder.AddCompletionQueue()) {}
  ~Poller() { Stop(); }

  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  grpc::ServerCompletionQueue* queue() const { return queue_.get(); }

  // To be called once the server is built.
  void Start();

  // To be called when the server has been shut down and no call uses the queue,
  // and before the server is destroyed.
  void Stop();

  // co_await poller.Enter(): the coroutine goes on on the thread.
  class Entry {
   public:
    explicit Entry(Poller& poller) : poller_(poller) {}
    bool await_ready() const { return current_ == &poller_; }
    void await_suspend(std::coroutine_handle<> coroutine);
    void await_resume() const {}

   private:
    Poller& poller_;
    Event entered_;
    std::unique_ptr<grpc::Alarm> alarm_;
  };
  Entry Enter() { return Entry(*this); }

 private:
  void Poll();

  static thread_local const Poller* current_;  // whose thread this is

  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_POLLER_H_
