// ShardedClient when servers die, hang, drain, are full, lie and come back: the
// same bytes, or an error that says whose fault it is.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "client/sharded_client.h"
#include "proto/retry_info.h"
#include "tests/end_to_end/guarded_call.h"
#include "tests/end_to_end/scripted_service.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/socket_relay.h"
#include "tests/end_to_end/test_maskers.h"

namespace maskd {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

const MaskingCase kCase{.name = "SixSamples",
                        .spec = {.batch_size = 6,
                                 .sequence_length = 8,
                                 .token_type = TokenType{.token_dim = 3, .element_bytes = 4},
                                 .mask_ratio = 0.75,
                                 .selection = kAllResults},
                        .sample_ids = {}};

// Lines that a client logs.
class Lines {
 public:
  std::function<void(const std::string&)> log() {
    return [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(line);
    };
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// A port whose connections nobody takes: they are made, and never answered.
class SilentPort {
 public:
  SilentPort() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(socket_, 100), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~SilentPort() { close(socket_); }

  const std::string& address() const { return address_; }

 private:
  const int socket_;
  std::string address_;
};

std::unique_ptr<ShardedClient> ConnectOrDie(const std::vector<std::string>& addresses,
                                            ShardedClient::Options options = {}) {
  options.least_part_bytes = 0;  // every server has a part
  return ShardedClient::Connect(addresses, options).value();
}

void AwaitHealth(const ShardedClient& client, std::size_t replica, bool healthy) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (client.statistics().replicas[replica].healthy != healthy &&
         std::chrono::steady_clock::now() < give_up) {
    std::this_thread::yield();
  }
  ASSERT_EQ(client.statistics().replicas[replica].healthy, healthy);
}

GatherArguments SomeGather(const float (&values)[3], const std::int64_t (&index)[2]) {
  GatherArguments arguments;
  arguments.input = {.form = {.type = ElementType::kFloat32, .shape = {3}},
                     .data = std::as_bytes(std::span(values))};
  arguments.index = {.form = {.type = ElementType::kInt64, .shape = {2}},
                     .data = std::as_bytes(std::span(index))};
  return arguments;
}

// Fails the test unless `client` gathers.
void ExpectGathers(ShardedClient& client) {
  const float values[] = {5, 6, 7};
  const std::int64_t index[] = {2, 0};
  const absl::StatusOr<Tensor> gathered = client.Gather(SomeGather(values, index));
  ASSERT_TRUE(gathered.ok()) << gathered.status();
  const float expected[] = {7, 5};
  EXPECT_EQ(gathered->data, std::string(reinterpret_cast<const char*>(expected), sizeof(expected)));
}

// ---- Servers that die, and come back.

TEST(ShardedFaultsTest, AServerThatDiesWithAPartInsideIsReplaced) {
  Rendezvous rendezvous;
  const ServedMasker dies(std::make_unique<BlockingMasker>(&rendezvous), Transport::kLoopback);
  const ServedMasker lives(MakeCpuMasker(1), Transport::kLoopback);
  SocketRelay relay(dies.address());
  const auto client = ConnectOrDie({relay.address(), lives.address()});
  auto call = std::async(std::launch::async, [&] { ExpectReferenceResults(*client, kCase); });
  rendezvous.entered.wait();
  relay.Cut();
  call.get();
  rendezvous.release.count_down();
  const ClientStatistics statistics = client->statistics();
  EXPECT_EQ(statistics.retries, 1);
  EXPECT_EQ(statistics.failed_calls, 0);
  EXPECT_FALSE(statistics.replicas[0].healthy);
  EXPECT_EQ(statistics.replicas[0].failures, 1);
  EXPECT_EQ(statistics.replicas[1].samples, 6);
  // It is not asked again while it is away.
  ExpectReferenceResults(*client, kCase);
  EXPECT_EQ(client->statistics().replicas[0].calls, 1);
  EXPECT_EQ(client->statistics().retries, 1);
}

TEST(ShardedFaultsTest, AServerThatComesBackIsUsedAgain) {
  const ServedMasker other(MakeCpuMasker(1), Transport::kLoopback);
  const TemporaryFolder folder;
  const std::string address = "unix:" + folder.path() + "/maskd.sock";
  auto server = MaskingServer::Start(MakeCpuMasker(1), {.listen = {address}}).value();
  const auto client = ConnectOrDie({address, other.address()});
  ExpectReferenceResults(*client, kCase);
  const std::int64_t before = client->statistics().replicas[0].samples;
  EXPECT_GT(before, 0);
  server.reset();
  // By its speed the first batches may go to the other.
  while (client->statistics().replicas[0].healthy) ExpectReferenceResults(*client, kCase);
  EXPECT_EQ(client->statistics().replicas[0].samples, before);

  server = MaskingServer::Start(MakeCpuMasker(1), {.listen = {address}}).value();
  AwaitHealth(*client, 0, true);
  // By its speed the first batches may go to the other.
  for (int call = 0; call < 1000 && client->statistics().replicas[0].samples == before; ++call)
    ExpectReferenceResults(*client, kCase);
  EXPECT_GT(client->statistics().replicas[0].samples, before);
  EXPECT_EQ(client->statistics().failed_calls, 0);
}

TEST(ShardedFaultsTest, ADrainingServerIsLeftToDrain) {
  Rendezvous rendezvous;
  const ServedMasker drains(std::make_unique<BlockingMasker>(&rendezvous), Transport::kLoopback);
  const ServedMasker stays(MakeCpuMasker(1), Transport::kLoopback);
  const auto inside = MaskingClient::Connect(drains.address(), {}).value();
  auto running = std::async(std::launch::async, [&] { ExpectReferenceResults(*inside, kCase); });
  rendezvous.entered.wait();
  auto drained =
      std::async(std::launch::async, [&] { return drains.server().Drain(std::chrono::minutes(1)); });
  while (inside->CheckHealth().ok()) std::this_thread::yield();

  const auto client = ConnectOrDie({drains.address(), stays.address()});
  ExpectReferenceResults(*client, kCase);
  ExpectGathers(*client);
  EXPECT_EQ(client->statistics().failed_calls, 0);
  EXPECT_EQ(client->statistics().replicas[0].samples, 0);
  EXPECT_EQ(client->statistics().replicas[1].samples, 6);
  rendezvous.release.count_down();
  running.get();
  EXPECT_TRUE(drained.get());
}

// ---- None is there.

TEST(ShardedFaultsTest, AllAwayIsUnavailableByTheirAddresses) {
  const TemporaryFolder folder;
  const std::string a = "unix:" + folder.path() + "/a.sock";
  const std::string b = "unix:" + folder.path() + "/b.sock";
  const auto client = ConnectOrDie({a, b}, {.server = {.timeout = std::chrono::minutes(5)}});
  const absl::Status status = CallIntoGuarded(*client, PreparedCase(kCase), nullptr);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(a));
  EXPECT_THAT(std::string(status.message()), HasSubstr(b));
  const float values[] = {5, 6, 7};
  const std::int64_t index[] = {2, 0};
  EXPECT_EQ(client->Gather(SomeGather(values, index)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client->GetServerInfo().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client->CheckHealth().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client->statistics().failed_calls, 2);
}

TEST(ShardedFaultsTest, AllAwayIsComputedHereAndSaidOnce) {
  const TemporaryFolder folder;
  const std::string address = "unix:" + folder.path() + "/maskd.sock";
  Lines lines;
  const auto client = ConnectOrDie({address}, {.fallback_in_process = true, .log = lines.log()});
  for (int call = 0; call < 3; ++call) ExpectReferenceResults(*client, kCase);
  ExpectGathers(*client);
  EXPECT_EQ(client->statistics().fallbacks, 4);
  EXPECT_EQ(client->statistics().failed_calls, 0);
  ASSERT_EQ(lines.all().size(), 1);
  EXPECT_THAT(lines.all()[0], HasSubstr(address));

  // Once more when it went away again.
  auto server = MaskingServer::Start(MakeCpuMasker(1), {.listen = {address}}).value();
  AwaitHealth(*client, 0, true);
  ExpectReferenceResults(*client, kCase);
  EXPECT_EQ(client->statistics().fallbacks, 4);
  EXPECT_EQ(client->statistics().replicas[0].samples, 6);
  server.reset();
  for (int call = 0; call < 3; ++call) ExpectReferenceResults(*client, kCase);
  EXPECT_EQ(client->statistics().fallbacks, 7);
  EXPECT_EQ(lines.all().size(), 2);
}

// ---- Servers that do not answer.

TEST(ShardedFaultsTest, AServerThatNeverAnswersCostsItsShareOfTheTime) {
  const SilentPort silent;
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  const auto client =
      ConnectOrDie({silent.address(), served.address()}, {.server = {.timeout = milliseconds(4000)}});
  for (int call = 0; call < 5; ++call) ExpectReferenceResults(*client, kCase);
  const ClientStatistics statistics = client->statistics();
  EXPECT_EQ(statistics.replicas[0].calls, 1);
  EXPECT_FALSE(statistics.replicas[0].healthy);
  EXPECT_EQ(statistics.replicas[1].samples, 5 * 6);
}

TEST(ShardedFaultsTest, AServerThatNeverAnswersLeavesTimeToComputeHere) {
  const SilentPort silent;
  Lines lines;
  const auto client = ConnectOrDie(
      {silent.address()},
      {.server = {.timeout = milliseconds(1000)}, .fallback_in_process = true, .log = lines.log()});
  for (int call = 0; call < 5; ++call) ExpectReferenceResults(*client, kCase);
  ExpectGathers(*client);
  EXPECT_EQ(client->statistics().fallbacks, 6);
  EXPECT_EQ(client->statistics().replicas[0].calls, 1);
  EXPECT_EQ(lines.all().size(), 1);
}

// The call began when it was away, and the only other one hangs.
TEST(ShardedFaultsTest, AServerThatHasComeBackIsAskedForWhatAnotherHangsWith) {
  Rendezvous rendezvous;
  const ServedMasker hangs(std::make_unique<BlockingMasker>(&rendezvous), Transport::kUnixSocket);
  const TemporaryFolder folder;
  const std::string away = "unix:" + folder.path() + "/maskd.sock";
  const auto client = ConnectOrDie({away, hangs.address()}, {.server = {.timeout = milliseconds(8000)}});
  EXPECT_TRUE(client->GetServerInfo().ok());
  EXPECT_FALSE(client->statistics().replicas[0].healthy);
  auto call = std::async(std::launch::async, [&] { ExpectReferenceResults(*client, kCase); });
  rendezvous.entered.wait();
  const auto back = MaskingServer::Start(MakeCpuMasker(1), {.listen = {away}}).value();
  call.get();
  rendezvous.release.count_down();
  EXPECT_EQ(client->statistics().failed_calls, 0);
  EXPECT_EQ(client->statistics().replicas[0].samples, 6);
}

// What the servers did not do in time is done here, however long that takes.
TEST(ShardedFaultsTest, ADeadlineOfServersIsNoneOfThisProcess) {
  const SilentPort silent;
  Lines lines;
  const auto client = ConnectOrDie({silent.address()}, {.fallback_in_process = true, .log = lines.log()});
  const MaskingSpec spec = {.batch_size = 64,
                            .sequence_length = 4096,
                            .mask_ratio = 0.75,
                            .selection = {.ids_keep = true, .ids_type = IdsType::kInt32}};
  std::vector<std::byte> ids(static_cast<std::size_t>(MakeMaskingPlan(spec)->result_bytes.ids_keep));
  for (int call = 1; call <= 3; ++call) {
    const auto facts = client->GenerateMask(spec, {.ids_keep = ids.data()}, {.timeout = milliseconds(1)});
    if (absl::IsDeadlineExceeded(facts.status())) continue;  // it passed before anybody was asked
    EXPECT_TRUE(facts.ok()) << facts.status();
  }
  // A deadline that is so short says nothing of the server.
  EXPECT_TRUE(client->statistics().replicas[0].healthy);
}

TEST(ShardedFaultsTest, ADeadlineThatHasPassedIsExceededWhoeverComputes) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  for (const std::string& address : {served.address(), std::string("inproc:")}) {
    const auto client = ConnectOrDie({address}, {.fallback_in_process = true});
    const PreparedCase prepared(kCase);
    EXPECT_EQ(client->RandomMasking(prepared.spec(), prepared.tokens(), {}, {.timeout = milliseconds(-1)})
                  .status()
                  .code(),
              absl::StatusCode::kDeadlineExceeded);
    const float values[] = {5, 6, 7};
    const std::int64_t index[] = {2, 0};
    EXPECT_EQ(client->Gather(SomeGather(values, index), {.timeout = milliseconds(-1)}).status().code(),
              absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(client->statistics().fallbacks, 0);
    // Nor is there one that is too far away.
    EXPECT_TRUE(client->Gather(SomeGather(values, index), {.timeout = milliseconds::max()}).ok());
  }
}

TEST(ShardedFaultsTest, ADeadlineIsKeptWhereNobodyAnswers) {
  const SilentPort a;
  const SilentPort b;
  const auto client = ConnectOrDie({a.address(), b.address()}, {.server = {.timeout = milliseconds(4000)}});
  const absl::Status status = CallIntoGuarded(*client, PreparedCase(kCase), nullptr);
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(a.address()));
  EXPECT_THAT(std::string(status.message()), HasSubstr(b.address()));
}

// Its speed is known, so it is not given the time that the call has.
TEST(ShardedFaultsTest, AServerThatHangsAfterGoodCallsIsReplacedSoon) {
  class HangingMasker final : public Masker {
   public:
    explicit HangingMasker(std::atomic<bool>* hangs) : hangs_(hangs) {}
    absl::Status Mask(const MaskingPlan& plan, const MaskingBuffers& buffers,
                      const IsCancelled& is_cancelled) override {
      while (*hangs_) {
        if (is_cancelled()) return absl::CancelledError("the caller has gone");
        std::this_thread::yield();
      }
      return reference_->Mask(plan, buffers, is_cancelled);
    }
    std::string backend() const override { return "reference"; }
    std::string device_name() const override { return "a masker that hangs at times"; }

   private:
    std::atomic<bool>* const hangs_;
    const std::unique_ptr<Masker> reference_ = MakeReferenceMasker();
  };
  std::atomic<bool> hangs = false;
  const ServedMasker hanging(std::make_unique<HangingMasker>(&hangs), Transport::kLoopback);
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  // A call that took half of this would fail by the limit of the test.
  const auto client =
      ConnectOrDie({hanging.address(), served.address()},
                   {.server = {.timeout = std::chrono::hours(1)}, .least_patience = std::chrono::seconds(3)});
  for (int call = 0; call < 3; ++call) ExpectReferenceResults(*client, kCase);
  hangs = true;
  while (client->statistics().replicas[0].healthy) ExpectReferenceResults(*client, kCase);
  hangs = false;
  EXPECT_GE(client->statistics().retries, 1);
  EXPECT_EQ(client->statistics().failed_calls, 0);
}

TEST(ShardedFaultsTest, ComputingHereEndsWithTheDeadlineAndTheStop) {
  const auto client = ConnectOrDie({"inproc:"});
  const MaskingSpec spec = {.batch_size = 4096,
                            .sequence_length = 1 << 18,
                            .mask_ratio = 0.75,
                            .selection = {.ids_keep = true, .ids_type = IdsType::kInt32}};
  // Nothing of this size is written before it ends.
  const MaskingPlan plan = MakeMaskingPlan(spec).value();
  const auto ids =
      std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(plan.result_bytes.ids_keep));
  EXPECT_EQ(client->GenerateMask(spec, {.ids_keep = ids.get()}, {.timeout = milliseconds(1)}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  std::stop_source stop;
  auto call = std::async(std::launch::async, [&] {
    return client->GenerateMask(spec, {.ids_keep = ids.get()}, {.stop = stop.get_token()}).status();
  });
  stop.request_stop();
  EXPECT_EQ(call.get().code(), absl::StatusCode::kCancelled);
}

// ---- Servers that answer something else.

// A scripted server and a client of it that may compute here.
class ScriptedFaultTest : public ::testing::Test {
 protected:
  std::unique_ptr<ShardedClient> Connect(ScriptedService::Script script, bool fallback) {
    service_.emplace(std::move(script));
    served_.emplace(*service_);
    return ConnectOrDie(
        {served_->address()},
        {.server = {.stream_from_bytes = 0}, .fallback_in_process = fallback, .log = lines_.log()});
  }

  // Refuses the first `times` calls with `status`.
  ScriptedService::Script Refuse(int times, grpc::Status status) {
    return {.before_call = [this, times, status = std::move(status)] {
      return calls_++ < times ? status : grpc::Status::OK;
    }};
  }

  static grpc::Status NoRoom() {
    const std::string message = "no room just now";
    return {grpc::StatusCode::RESOURCE_EXHAUSTED, message,
            EncodeRetryInfo(grpc::StatusCode::RESOURCE_EXHAUSTED, message, milliseconds(1))};
  }

  Lines lines_;
  std::atomic<int> calls_ = 0;
  std::optional<ScriptedService> service_;
  std::optional<ServedService> served_;
};

TEST_F(ScriptedFaultTest, WhatWasAskedWronglyIsNotComputedHere) {
  for (const grpc::StatusCode code :
       {grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::PERMISSION_DENIED,
        grpc::StatusCode::UNAUTHENTICATED, grpc::StatusCode::FAILED_PRECONDITION}) {
    const auto client = Connect(Refuse(1 << 30, {code, "not so"}), true);
    const absl::Status status = CallIntoGuarded(*client, PreparedCase(kCase), nullptr);
    EXPECT_EQ(static_cast<int>(status.code()), static_cast<int>(code)) << status;
    EXPECT_EQ(status.message(), "not so");
    EXPECT_EQ(client->statistics().fallbacks, 0);
    EXPECT_TRUE(client->statistics().replicas[0].healthy);
  }
  EXPECT_TRUE(lines_.all().empty());
}

TEST_F(ScriptedFaultTest, NonsenseIsComputedHere) {
  const auto client = Connect({.change = [](ScriptedService::Parts& parts) { parts.pop_back(); }}, true);
  ExpectReferenceResults(*client, kCase);
  EXPECT_EQ(client->statistics().fallbacks, 1);
  ASSERT_EQ(lines_.all().size(), 1);
  EXPECT_THAT(lines_.all()[0], HasSubstr("before its last message"));
}

TEST_F(ScriptedFaultTest, NonsenseIsInternalWhereNobodyElseComputes) {
  const auto client = Connect({.change = [](ScriptedService::Parts& parts) { parts.pop_back(); }}, false);
  const absl::Status status = CallIntoGuarded(*client, PreparedCase(kCase), nullptr);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
}

TEST_F(ScriptedFaultTest, NoRoomIsComputedHereAndTheServerAskedNextTime) {
  const auto client = Connect(Refuse(1, NoRoom()), true);
  ExpectReferenceResults(*client, kCase);
  EXPECT_EQ(client->statistics().fallbacks, 1);
  EXPECT_TRUE(client->statistics().replicas[0].healthy);
  ExpectReferenceResults(*client, kCase);
  EXPECT_EQ(client->statistics().fallbacks, 1);
  EXPECT_EQ(client->statistics().replicas[0].samples, 6);
}

TEST_F(ScriptedFaultTest, NoRoomIsWaitedForWhereNobodyElseComputes) {
  const auto client = Connect(Refuse(20, NoRoom()), false);
  ExpectReferenceResults(*client, kCase);
  EXPECT_EQ(client->statistics().retries, 20);
  EXPECT_EQ(client->statistics().failed_calls, 0);
}

TEST_F(ScriptedFaultTest, UnavailableIsTriedAgainAsOftenAsOptionsSay) {
  const auto client = Connect(Refuse(1 << 30, {grpc::StatusCode::UNAVAILABLE, "not now"}), false);
  EXPECT_EQ(CallIntoGuarded(*client, PreparedCase(kCase), nullptr).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls_, 4);
  EXPECT_EQ(client->statistics().retries, 3);
}

}  // namespace
}  // namespace maskd
