// What a coroutine of the server waits for.
//
// A call is served by one coroutine, which reads from top to bottom: every
// co_await is a place where its thread goes on with something else. Operations
// of gRPC end in Event::Set, called by the threads that poll (poller.h); the
// coroutine goes on on the thread that calls it.
#ifndef MASKD_SERVER_EVENT_H_
#define MASKD_SERVER_EVENT_H_

#include <atomic>
#include <coroutine>
#include <exception>

#include "proto/handover.h"

namespace maskd {

// Happens once after each Reset, with a bool. Set may be called on any thread;
// one coroutine waits at a time.
class Event {
 public:
  // One that has happened already, with true.
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // It is yet to happen. As the tag of a gRPC operation: to be called before
  // the operation starts.
  void Reset() {
    state_.store(nullptr, std::memory_order_release);
    HandToGrpc(this);
  }

  // It happens; a coroutine that waits goes on before this returns.
  void Set(bool ok) {
    ok_ = ok;
    void* const waiting = state_.exchange(&state_, std::memory_order_acq_rel);
    if (waiting != nullptr) std::coroutine_handle<>::from_address(waiting).resume();
  }

  bool happened() const { return state_.load(std::memory_order_acquire) == &state_; }

  // co_await event: waits until it has happened, and gives the bool.
  bool await_ready() const { return happened(); }
  bool await_suspend(std::coroutine_handle<> waiting) {
    void* yet_to_happen = nullptr;
    return state_.compare_exchange_strong(yet_to_happen, waiting.address(), std::memory_order_acq_rel);
  }
  bool await_resume() const { return ok_; }

 private:
  // Null: yet to happen. Its own address: happened. Else: who waits.
  std::atomic<void*> state_ = &state_;
  bool ok_ = true;
};

// A coroutine that nobody waits for: it runs until its first co_await when
// called, and its memory goes when it ends.
struct Detached {
  struct promise_type {
    Detached get_return_object() const { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    [[noreturn]] void unhandled_exception() const { std::terminate(); }
  };
};

}  // namespace maskd

#endif  // MASKD_SERVER_EVENT_H_
