#include "kernels/cpu/thread_pool.h"

#include <algorithm>
#include <utility>

#include "kernels/available_cores.h"

namespace maskd {

int ThreadsOrCores(int num_threads) { return num_threads > 0 ? num_threads : AvailableWholeCores(); }

struct ThreadPool::Loop {
  using Body = std::function<void(std::int64_t, std::int64_t)>;

  Loop(std::int64_t loop_count, std::int64_t loop_grain, const Body& loop_body)
      : count(loop_count), grain(loop_grain), body(loop_body) {}

  const std::int64_t count;
  const std::int64_t grain;
  const Body& body;  // the caller's; gone once finished == count
  std::mutex mutex;
  std::condition_variable done;
  std::int64_t next = 0;      // guarded by mutex: first index that no thread has taken
  std::int64_t finished = 0;  // guarded by mutex: indices whose calls have returned

  // Takes ranges until none is left.
  void Run() {
    std::unique_lock lock(mutex);
    while (next < count) {
      const std::int64_t begin = next;
      const std::int64_t end = std::min(count, begin + grain);
      next = end;
      lock.unlock();
      body(begin, end);
      lock.lock();
      finished += end - begin;
    }
    if (finished == count) done.notify_all();
  }

  void WaitUntilFinished() {
    std::unique_lock lock(mutex);
    done.wait(lock, [this] { return finished == count; });
  }
};

ThreadPool::ThreadPool(int num_threads) {
  for (int i = 1; i < num_threads; ++i) workers_.emplace_back([this] { Work(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::ForRanges(std::int64_t count, std::int64_t grain,
                           const std::function<void(std::int64_t, std::int64_t)>& body) {
  if (workers_.empty() || count <= grain) {
    for (std::int64_t begin = 0; begin < count; begin += grain) body(begin, std::min(count, begin + grain));
    return;
  }
  const auto loop = std::make_shared<Loop>(count, grain, body);
  {
    const std::lock_guard lock(mutex_);
    loops_.push_back(loop);
  }
  wake_.notify_all();
  loop->Run();
  {
    const std::lock_guard lock(mutex_);
    std::erase(loops_, loop);
  }
  loop->WaitUntilFinished();
}

void ThreadPool::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !loops_.empty(); });
    if (stopping_) return;
    // The oldest first. It is out of ranges once Run returns; whoever sees
    // that takes it off the list.
    const std::shared_ptr<Loop> loop = loops_.front();
    lock.unlock();
    loop->Run();
    lock.lock();
    std::erase(loops_, loop);
  }
}

}  // namespace maskd
