#include "server/poller.h"

#include <grpc/support/time.h>

#include <cstdlib>

#include "proto/handover.h"

namespace maskd {

thread_local const Poller* Poller::current_ = nullptr;

void SeparatePollers() { setenv("GRPC_POLL_STRATEGY", "poll", /*overwrite=*/0); }

void Poller::Start() {
  thread_ = std::thread([this] {
    current_ = this;
    Poll();
  });
}

void Poller::Stop() {
  if (queue_ == nullptr) return;
  queue_->Shutdown();
  if (thread_.joinable()) thread_.join();
  // A queue must be empty when it goes, also if nobody polled.
  Poll();
  queue_.reset();
}

void Poller::Poll() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
    TakeFromGrpc(tag);
    static_cast<Event*>(tag)->Set(ok);
  }
}

void Poller::Entry::await_suspend(std::coroutine_handle<> coroutine) {
  alarm_ = std::make_unique<grpc::Alarm>();
  // The coroutine may be gone before Set returns, and this with it.
  grpc::Alarm& alarm = *alarm_;
  grpc::CompletionQueue* const queue = poller_.queue();
  Event* const entered = &entered_;
  entered->Reset();
  entered->await_suspend(coroutine);
  alarm.Set(queue, gpr_time_0(GPR_CLOCK_MONOTONIC), entered);
}

}  // namespace maskd
