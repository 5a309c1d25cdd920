// Threads that share the samples of a batch.
#ifndef MASKD_KERNELS_CPU_THREAD_POOL_H_
#define MASKD_KERNELS_CPU_THREAD_POOL_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace maskd {

// `num_threads`, or for 0 one for each core that this process may use.
int ThreadsOrCores(int num_threads);

// Runs loops on a fixed number of threads. Loops of several callers may
// overlap; every caller works on its own loop, so that none waits for a thread
// that serves another.
//
// Thread-safe.
class ThreadPool {
 public:
  // `num_threads` >= 1 counts the caller of ForRanges; 1 starts no thread.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Calls body(begin, end) for disjoint ranges of about `grain` >= 1 indices
  // that cover [0, count); returns when all calls have returned. `body` must
  // not throw.
  void ForRanges(std::int64_t count, std::int64_t grain,
                 const std::function<void(std::int64_t begin, std::int64_t end)>& body);

 private:
  struct Loop;

  void Work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Loop>> loops_;  // guarded by mutex_; have ranges left, or had
  bool stopping_ = false;                    // guarded by mutex_
  std::vector<std::thread> workers_;
};

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_THREAD_POOL_H_
