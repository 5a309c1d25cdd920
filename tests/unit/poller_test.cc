#include "server/poller.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace maskd {
namespace {

// Two pollers of a server that serves nothing.
class PollerTest : public ::testing::Test {
 protected:
  PollerTest() {
    first_.Start();
    second_.Start();
  }
  ~PollerTest() override { server_->Shutdown(); }

  grpc::ServerBuilder builder_;
  Poller first_{builder_};
  Poller second_{builder_};
  grpc::AsyncGenericService nothing_;
  const std::unique_ptr<grpc::Server> server_ =
      builder_.RegisterAsyncGenericService(&nothing_).BuildAndStart();
};

TEST_F(PollerTest, ACoroutineGoesOnOnTheThreadItEnters) {
  std::promise<std::vector<std::thread::id>> seen;
  const auto run = [](Poller& a, Poller& b, std::promise<std::vector<std::thread::id>>& ids) -> Detached {
    std::vector<std::thread::id> at = {std::this_thread::get_id()};
    co_await a.Enter();
    at.push_back(std::this_thread::get_id());
    co_await a.Enter();
    at.push_back(std::this_thread::get_id());
    co_await b.Enter();
    at.push_back(std::this_thread::get_id());
    co_await a.Enter();
    at.push_back(std::this_thread::get_id());
    ids.set_value(at);
  };
  run(first_, second_, seen);
  const std::vector<std::thread::id> at = seen.get_future().get();
  ASSERT_EQ(at.size(), 5u);
  EXPECT_EQ(at[0], std::this_thread::get_id());
  EXPECT_NE(at[1], at[0]);
  EXPECT_EQ(at[2], at[1]);
  EXPECT_NE(at[3], at[0]);
  EXPECT_NE(at[3], at[1]);
  EXPECT_EQ(at[4], at[1]);
}

// On the thread there is nothing to wait for.
TEST_F(PollerTest, WhoIsThereGoesOnAtOnce) {
  std::promise<bool> ready;
  const auto run = [](Poller& poller, std::promise<bool>& result) -> Detached {
    co_await poller.Enter();
    result.set_value(poller.Enter().await_ready());
  };
  EXPECT_FALSE(first_.Enter().await_ready());
  run(first_, ready);
  EXPECT_TRUE(ready.get_future().get());
}

}  // namespace
}  // namespace maskd
