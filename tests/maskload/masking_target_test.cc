// Runs against servers: true ones, one that errs, one that goes away.
#include "client/maskload/masking_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "client/maskload/measured_run.h"
#include "proto/retry_info.h"
#include "tests/end_to_end/scripted_service.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd::maskload {
namespace {

// Answers as a true server would; one byte of call `wrong_call`, or of every call, is another.
class ErringService final : public v1::MaskingService::Service {
 public:
  explicit ErringService(std::optional<int> wrong_call)
      : always_(!wrong_call.has_value()), calls_left_(wrong_call.value_or(0)) {}

  grpc::Status RandomMasking(grpc::ServerContext*, const v1::RandomMaskingRequest* request,
                             v1::RandomMaskingResponse* response) override {
    const grpc::Status status = CallUnary(honest_.stub(), *request, response);
    if (Errs()) response->mutable_kept_tokens()->back() ^= 1;
    return status;
  }

  grpc::Status GenerateMask(grpc::ServerContext*, const v1::GenerateMaskRequest* request,
                            v1::GenerateMaskResponse* response) override {
    grpc::ClientContext context;
    const grpc::Status status = honest_.stub().GenerateMask(&context, *request, response);
    if (Errs()) response->mutable_masking()->mutable_mask()->mutable_data()->back() ^= 1;
    return status;
  }

 private:
  bool Errs() { return always_ || calls_left_-- == 0; }

  const bool always_;
  std::atomic<int> calls_left_;
  const ServedMasker honest_{MakeReferenceMasker()};
};

class MaskingTargetTest : public ::testing::Test {
 protected:
  std::unique_ptr<MaskingTarget> Make(const std::vector<std::string>& addresses, const std::string& mix,
                                      Verification verification, std::int64_t stream_from_bytes = 1 << 20,
                                      int connections = 1) {
    auto target = MaskingTarget::Make({.addresses = addresses,
                                       .connections = connections,
                                       .concurrency = 2,
                                       .client = {.stream_from_bytes = stream_from_bytes,
                                                  .max_attempts = 1,
                                                  .wait_for_room = false,
                                                  .transparent_retries = false},
                                       .mix = *ShapeMix::Parse(mix),
                                       .masking = {.mask_ratio = 0.75, .seed = 5},
                                       .verification = verification,
                                       .warn = [this](const std::string& warning) {
                                         const std::lock_guard lock(mutex_);
                                         warnings_.push_back(warning);
                                       }});
    EXPECT_TRUE(target.ok()) << target.status();
    // Connections are not what is measured.
    for (std::size_t i = 0; i < addresses.size(); ++i) (*target)->Greet(i, {}).IgnoreError();
    return *std::move(target);
  }

  MeasuredRun Run(MaskingTarget& target, std::int64_t count) {
    SteadyClock clock;
    return MeasureRun({.limits = {.concurrency = 2, .count = count}}, clock, target, {},
                      [](const std::string&) {});
  }

  std::mutex mutex_;
  std::vector<std::string> warnings_;
};

TEST_F(MaskingTargetTest, ATrueServerIsRightInEveryWay) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  const ServedMasker other(MakeCpuMasker(1), Transport::kUnixSocket);
  for (const std::int64_t stream_from_bytes : {0, 1 << 20}) {
    const auto target = Make({served.address(), other.address()}, "3x16x4:f32,2x9x0,5x7x3:f16",
                             Verification::kAll, stream_from_bytes);
    const MeasuredRun run = Run(*target, 60);
    const CallTally::Totals& totals = run.tally->totals();
    EXPECT_EQ(totals.all.latency.count(), 60) << ::testing::PrintToString(warnings_);
    EXPECT_EQ(totals.verified, 60);
    EXPECT_EQ(run.wrong, 0);
    ASSERT_EQ(totals.addresses.size(), 2u);
    EXPECT_EQ(totals.addresses[0].latency.count(), 30);
    EXPECT_EQ(totals.addresses[1].latency.count(), 30);
    ASSERT_EQ(totals.shapes.size(), 3u);
    // Tokens one way, mask and ids and a quarter of the tokens the other.
    EXPECT_EQ(totals.shapes[0].bytes_sent, totals.shapes[0].latency.count() * 3 * 16 * 16);
    EXPECT_EQ(totals.shapes[0].bytes_received, totals.shapes[0].latency.count() * 3 * (16 * 12 + 4 * 16));
    EXPECT_EQ(totals.shapes[1].bytes_sent, 0);
  }
  EXPECT_TRUE(warnings_.empty()) << ::testing::PrintToString(warnings_);
}

// Masks alone, whose calls overlap, by connections.
TEST_F(MaskingTargetTest, MasksAloneAreRight) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  const ServedMasker other(MakeCpuMasker(1), Transport::kUnixSocket);
  for (const int connections : {1, 3}) {
    const auto target = Make({served.address(), other.address()}, "1x196x0,64x196x0", Verification::kAll,
                             1 << 20, connections);
    EXPECT_FALSE(target->Overlap({}).empty());
    const MeasuredRun run = Run(*target, 300);
    EXPECT_EQ(run.tally->totals().all.latency.count(), 300) << ::testing::PrintToString(warnings_);
    EXPECT_EQ(run.tally->totals().verified, 300);
    EXPECT_EQ(run.wrong, 0);
  }
  EXPECT_TRUE(Make({served.address()}, "1x196x0,1x196x8", Verification::kAll)->Overlap({}).empty());
}

// A stop cancels calls that overlap; they do not count.
TEST_F(MaskingTargetTest, AStopEndsMasksAlone) {
  class Stuck final : public v1::MaskingService::Service {
   public:
    explicit Stuck(std::stop_source& stop) : stop_(stop) {}
    grpc::Status GenerateMask(grpc::ServerContext* context, const v1::GenerateMaskRequest*,
                              v1::GenerateMaskResponse*) override {
      stop_.request_stop();
      while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return grpc::Status::CANCELLED;
    }

   private:
    std::stop_source& stop_;
  };
  std::stop_source stop;
  Stuck service(stop);
  const ServedService served(service);
  const auto target = Make({served.address()}, "1x196x0", Verification::kAll);
  SteadyClock clock;
  const MeasuredRun run =
      MeasureRun({.limits = {.concurrency = 2, .count = 10}}, clock, *target, stop.get_token(), [](auto&) {});
  EXPECT_TRUE(run.end.stopped);
  EXPECT_EQ(run.tally->totals().all.errors, 0);
  EXPECT_TRUE(warnings_.empty()) << ::testing::PrintToString(warnings_);
}

TEST_F(MaskingTargetTest, OneWrongByteIsFound) {
  for (const char* const mix : {"2x16x4", "2x16x0"}) {
    warnings_.clear();
    ErringService service(/*wrong_call=*/13);
    const ServedService served(service);
    const auto target = Make({served.address()}, mix, Verification::kAll);
    const MeasuredRun run = Run(*target, 40);
    EXPECT_EQ(run.tally->totals().verified, 40);
    EXPECT_EQ(run.wrong, 1);
    ASSERT_EQ(warnings_.size(), 1u);
    EXPECT_THAT(warnings_.front(), ::testing::HasSubstr("wrong result of call"));
    EXPECT_THAT(warnings_.front(), ::testing::HasSubstr(served.address()));
  }
}

TEST_F(MaskingTargetTest, LooksAtAsManyAsItIsTold) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  EXPECT_EQ(Run(*Make({served.address()}, "1x8x0", Verification::kSample), 40).tally->totals().verified, 3);
  EXPECT_EQ(Run(*Make({served.address()}, "1x8x0", Verification::kNone), 40).tally->totals().verified, 0);
}

TEST_F(MaskingTargetTest, LooksAtEveryServer) {
  const ServedMasker honest(MakeCpuMasker(1), Transport::kLoopback);
  ErringService service(/*wrong_call=*/std::nullopt);
  const ServedService erring(service);
  const auto target = Make({honest.address(), erring.address()}, "1x8x0", Verification::kSample);
  const MeasuredRun run = Run(*target, 2 * (kVerifiedCalls + 1));
  EXPECT_EQ(run.tally->totals().verified, 4);
  EXPECT_EQ(run.wrong, 2);
}

// The server shuts down in the tenth call; another stays.
TEST_F(MaskingTargetTest, GoesOnWhenAServerVanishes) {
  const ServedMasker steady(MakeCpuMasker(1), Transport::kLoopback);
  std::atomic<int> calls = 0;
  std::optional<ServedService> served;
  ScriptedService service({.before_call = [&calls]() -> grpc::Status {
    if (++calls < 10) return grpc::Status::OK;
    return {grpc::StatusCode::UNAVAILABLE, "going down"};
  }});
  served.emplace(service);
  const auto target = Make({served->address(), steady.address()}, "2x16x4", Verification::kAll);
  const MeasuredRun run = Run(*target, 40);
  const CallTally::Totals& totals = run.tally->totals();
  EXPECT_EQ(totals.addresses[0].latency.count(), 9);
  EXPECT_EQ(totals.addresses[0].errors, 11);
  EXPECT_EQ(totals.addresses[1].latency.count(), 20);
  ASSERT_EQ(totals.errors.size(), 1u);
  EXPECT_EQ(totals.errors.at(absl::StatusCode::kUnavailable).count, 11);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_THAT(warnings_.front(), ::testing::HasSubstr("going down [UNAVAILABLE]; the run goes on"));
}

// Refused for want of room, with advice to come back: a failed call, not a slow one.
TEST_F(MaskingTargetTest, CountsWhatIsRefused) {
  constexpr grpc::StatusCode kCode = grpc::StatusCode::RESOURCE_EXHAUSTED;
  ScriptedService service({.before_call = []() -> grpc::Status {
    return {kCode, "no room", EncodeRetryInfo(kCode, "no room", std::chrono::milliseconds(1))};
  }});
  const ServedService served(service);
  const auto target = Make({served.address()}, "2x16x4", Verification::kAll);
  const MeasuredRun run = Run(*target, 2);
  EXPECT_EQ(run.tally->totals().errors.at(absl::StatusCode::kResourceExhausted).count, 2);
}

// Answers that have too little are wrong results, whatever the client makes of them.
TEST_F(MaskingTargetTest, AnAnswerThatDoesNotDecodeIsWrong) {
  ScriptedService service({.change = [](ScriptedService::Parts& parts) { parts.pop_back(); }});
  const ServedService served(service);
  const auto target = Make({served.address()}, "2x16x4", Verification::kNone, /*stream_from_bytes=*/0);
  const MeasuredRun run = Run(*target, 3);
  EXPECT_EQ(run.tally->totals().errors.at(absl::StatusCode::kInternal).count, 3);
  EXPECT_EQ(run.wrong, 3);
}

TEST_F(MaskingTargetTest, AnErrorOfTheServerIsNoWrongResult) {
  ScriptedService service({.before_call = []() -> grpc::Status {
    return {grpc::StatusCode::INTERNAL, "its own"};
  }});
  const ServedService served(service);
  const auto target = Make({served.address()}, "2x16x4", Verification::kAll);
  const MeasuredRun run = Run(*target, 3);
  EXPECT_EQ(run.tally->totals().errors.at(absl::StatusCode::kInternal).count, 3);
  EXPECT_EQ(run.wrong, 0);
}

TEST_F(MaskingTargetTest, RefusesABatchThatMemoryDoesNotHold) {
  const auto target = MaskingTarget::Make({.addresses = {"127.0.0.1:1"},
                                           .mix = *ShapeMix::Parse("65536x65536x4096:f32"),
                                           .masking = {.mask_ratio = 0.75}});
  EXPECT_EQ(target.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(target.status().message()), ::testing::HasSubstr("this machine has"));
}

TEST_F(MaskingTargetTest, RefusesABatchThatBreaksARule) {
  const auto target = MaskingTarget::Make({.addresses = {"127.0.0.1:1"},
                                           .mix = *ShapeMix::Parse("1x99999999x1"),
                                           .masking = {.mask_ratio = 0.75}});
  EXPECT_EQ(target.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace maskd::maskload
