#include "kernels/cpu/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

namespace maskd {
namespace {

// Fails after this instead of hanging; nothing waits for it.
constexpr std::chrono::seconds kHangs{120};

// How often each index of [0, count) was visited, after one loop.
std::vector<int> Visits(ThreadPool& pool, std::int64_t count, std::int64_t grain) {
  std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
  pool.ForRanges(count, grain, [&](std::int64_t begin, std::int64_t end) {
    EXPECT_LE(0, begin);
    EXPECT_LT(begin, end);
    EXPECT_LE(end, count);
    for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
  });
  return {visits.begin(), visits.end()};
}

class ThreadPoolTest : public ::testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, VisitsEveryIndexExactlyOnce) {
  ThreadPool pool(GetParam());
  for (const std::int64_t count : {0, 1, 2, 3, 7, 64, 1000, 12345}) {
    for (const std::int64_t grain : {1, 2, 3, 64, 1000, 1 << 20}) {
      EXPECT_EQ(Visits(pool, count, grain), std::vector<int>(static_cast<std::size_t>(count), 1))
          << "count " << count << " grain " << grain;
    }
  }
}

TEST_P(ThreadPoolTest, LoopsOfSeveralCallersOverlap) {
  ThreadPool pool(GetParam());
  constexpr int kCallers = 6;
  std::latch start(kCallers);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      start.arrive_and_wait();
      for (int round = 0; round < 100; ++round) {
        const std::int64_t count = 1 + (caller * 37 + round * 11) % 300;
        EXPECT_EQ(Visits(pool, count, 1 + round % 5), std::vector<int>(static_cast<std::size_t>(count), 1));
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

// While every range of the first loop, on whatever thread, waits for the second
// loop, the second caller must get on by itself.
TEST_P(ThreadPoolTest, NoCallerWaitsForAThreadThatServesAnother) {
  ThreadPool pool(GetParam());
  std::promise<void> second_done;
  const std::shared_future<void> second_is_done = second_done.get_future().share();
  std::latch first_started(1);
  std::atomic<bool> signalled = false;
  std::thread first([&] {
    pool.ForRanges(GetParam(), 1, [&](std::int64_t, std::int64_t) {
      if (!signalled.exchange(true)) first_started.count_down();
      EXPECT_EQ(second_is_done.wait_for(kHangs), std::future_status::ready);
    });
  });
  first_started.wait();
  EXPECT_EQ(Visits(pool, 100, 1), std::vector<int>(100, 1));
  second_done.set_value();
  first.join();
}

TEST_P(ThreadPoolTest, ReturnsWhenAllCallsHaveReturned) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 2000; ++round) {
    auto finished = std::make_unique<std::atomic<int>>(0);  // gone before a late call would touch it
    pool.ForRanges(8, 1, [&finished](std::int64_t begin, std::int64_t end) {
      *finished += static_cast<int>(end - begin);
    });
    ASSERT_EQ(*finished, 8);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, ::testing::Values(1, 2, 3, 8));

// With N ranges that wait for each other, N threads must be at work.
TEST(ThreadPoolWorkersTest, ShareALoop) {
  ThreadPool pool(4);
  std::latch all_at_work(4);
  pool.ForRanges(4, 1, [&](std::int64_t begin, std::int64_t end) {
    all_at_work.count_down(end - begin);
    all_at_work.wait();
  });
  SUCCEED();
}

}  // namespace
}  // namespace maskd
