#include "server/bulk_workers.h"

namespace maskd {

BulkWorkers::BulkWorkers(int num_threads) {
  for (int i = 0; i < num_threads; ++i) threads_.emplace_back([this] { Work(); });
}

BulkWorkers::~BulkWorkers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void BulkWorkers::Add(std::coroutine_handle<> coroutine) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(coroutine);
  }
  wake_.notify_one();
}

void BulkWorkers::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::coroutine_handle<> coroutine = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    coroutine.resume();
    lock.lock();
  }
}

}  // namespace maskd
