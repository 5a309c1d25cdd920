// Threads for the long copies, so that those that poll are there for the next
// small call.
#ifndef MASKD_SERVER_BULK_WORKERS_H_
#define MASKD_SERVER_BULK_WORKERS_H_

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace maskd {

// Thread-safe. Nothing may be waiting when it is destroyed.
class BulkWorkers {
 public:
  explicit BulkWorkers(int num_threads);
  ~BulkWorkers();

  BulkWorkers(const BulkWorkers&) = delete;
  BulkWorkers& operator=(const BulkWorkers&) = delete;

  // co_await workers.Enter(): the coroutine goes on on one of the threads, when
  // one is free, in the order of asking.
  struct Entry {
    BulkWorkers* workers;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) const { workers->Add(coroutine); }
    void await_resume() const {}
  };
  Entry Enter() { return {this}; }

 private:
  void Add(std::coroutine_handle<> coroutine);
  void Work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::coroutine_handle<>> waiting_;  // guarded by mutex_
  bool stopping_ = false;                        // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_BULK_WORKERS_H_
