// What is reported of calls for the log, and the request id that their callers get.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "kernels/masker.h"
#include "server/call_record.h"
#include "server/masking_server.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/streamed_batches.h"

namespace maskd {
namespace {

class CallReportTest : public ::testing::Test {
 protected:
  void Start(std::chrono::nanoseconds slow, const Limits& limits = {}) {
    server_ = MaskingServer::Start(MakeCpuMasker(1), {.listen = {"127.0.0.1:0"},
                                                      .limits = limits,
                                                      .reporting = {.report =
                                                                        [this](const CallReport& report) {
                                                                          const std::lock_guard lock(mutex_);
                                                                          reports_.push_back(report);
                                                                          come_.notify_all();
                                                                        },
                                                                    .slow = slow}})
                  .value();
    stub_ = v1::MaskingService::NewStub(MakeChannel(server_->addresses().front()));
  }

  grpc::Status Generate(double mask_ratio, grpc::ClientContext& context) {
    v1::GenerateMaskRequest request = GoodGenerateMask();
    request.mutable_spec()->set_mask_ratio(mask_ratio);
    v1::GenerateMaskResponse response;
    return stub_->GenerateMask(&context, request, &response);
  }

  // The reports, once there are so many.
  std::vector<CallReport> Reports(std::size_t count) {
    std::unique_lock lock(mutex_);
    come_.wait_for(lock, kPatience, [&] { return reports_.size() >= count; });
    return reports_;
  }

  static std::string RequestIdOf(const grpc::ClientContext& context) {
    const auto& metadata = context.GetServerTrailingMetadata();
    const auto found = metadata.find("x-request-id");
    return found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
  }

  std::mutex mutex_;
  std::condition_variable come_;
  std::vector<CallReport> reports_;  // guarded by mutex_
  std::unique_ptr<MaskingServer> server_;
  std::unique_ptr<v1::MaskingService::Stub> stub_;
};

TEST_F(CallReportTest, AFailedCall) {
  Start({});
  grpc::ClientContext good;
  EXPECT_TRUE(Generate(0.75, good).ok());
  grpc::ClientContext bad;
  bad.AddMetadata("x-request-id", "step-3");
  bad.AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  const grpc::Status status = Generate(2, bad);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(RequestIdOf(bad), "step-3");

  const std::vector<CallReport> reports = Reports(1);
  ASSERT_EQ(reports.size(), 1u);
  const CallReport& report = reports.front();
  EXPECT_EQ(report.method, "/maskd.v1.MaskingService/GenerateMask");
  EXPECT_TRUE(report.peer.starts_with("ipv4:127.0.0.1:")) << report.peer;
  EXPECT_EQ(report.code, status.error_code());
  EXPECT_EQ(report.message, status.error_message());
  EXPECT_EQ(report.request_id, "step-3");
  EXPECT_EQ(report.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_GT(report.stages.spent[static_cast<std::size_t>(Stage::kDecode)].count(), 0);
}

TEST_F(CallReportTest, ARequestIdIsMadeForWhoFailsWithoutOne) {
  Start({});
  grpc::ClientContext one;
  grpc::ClientContext other;
  EXPECT_FALSE(Generate(2, one).ok());
  EXPECT_FALSE(Generate(2, other).ok());
  EXPECT_EQ(RequestIdOf(one).size(), 16u);
  EXPECT_NE(RequestIdOf(one), RequestIdOf(other));
  const std::vector<CallReport> reports = Reports(2);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].request_id, RequestIdOf(one));
  EXPECT_EQ(reports[1].request_id, RequestIdOf(other));
}

TEST_F(CallReportTest, ARequestIdComesBackFromSuccessToo) {
  Start({});
  grpc::ClientContext unary;
  unary.AddMetadata("x-request-id", "unary");
  v1::RandomMaskingResponse response;
  EXPECT_TRUE(stub_->RandomMasking(&unary, GoodRandomMasking(), &response).ok());
  EXPECT_EQ(RequestIdOf(unary), "unary");
  grpc::ClientContext small;
  small.AddMetadata("x-request-id", "small");
  EXPECT_TRUE(Generate(0.75, small).ok());
  EXPECT_EQ(RequestIdOf(small), "small");
  grpc::ClientContext without;
  EXPECT_TRUE(Generate(0.75, without).ok());
  EXPECT_EQ(RequestIdOf(without), "");
  grpc::ClientContext bulk;
  EXPECT_TRUE(stub_->RandomMasking(&bulk, GoodRandomMasking(), &response).ok());
  EXPECT_EQ(RequestIdOf(bulk).size(), 16u);
}

// gRPC refuses it, and ends the call as if the caller had gone.
TEST_F(CallReportTest, ARequestThatIsTooLong) {
  Start({}, {.max_message_bytes = 4096});
  v1::RandomMaskingRequest request = GoodRandomMasking();
  request.set_tokens(std::string(10'000, 'x'));
  grpc::ClientContext context;
  v1::RandomMaskingResponse response;
  EXPECT_EQ(stub_->RandomMasking(&context, request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  const std::vector<CallReport> reports = Reports(1);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_NE(reports.front().message.find("has more than 4096 bytes"), std::string::npos)
      << reports.front().message;
}

// By then gRPC has forgotten who it was.
TEST_F(CallReportTest, AStreamThatIsCancelledHalfWay) {
  Start({});
  OpenStream stream(*stub_);
  ASSERT_TRUE(stream.Admit(GoodRandomMasking()));
  stream.Cancel();
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::CANCELLED);
  const std::vector<CallReport> reports = Reports(1);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports.front().code, grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(reports.front().message.starts_with("cancelled: ")) << reports.front().message;
  EXPECT_TRUE(reports.front().peer.starts_with("ipv4:127.0.0.1:")) << reports.front().peer;
}

// Every call takes longer than a nanosecond.
TEST_F(CallReportTest, SlowCallsAndBatchesWithTheirStages) {
  Start(std::chrono::nanoseconds(1));
  grpc::ClientContext context;
  EXPECT_TRUE(Generate(0.75, context).ok());
  CallReport unary = Reports(1).front();
  EXPECT_EQ(unary.code, grpc::StatusCode::OK);
  EXPECT_EQ(unary.request_id, RequestIdOf(context));
  EXPECT_EQ(unary.request_id.size(), 16u);
  for (const Stage stage : {Stage::kDecode, Stage::kOrder, Stage::kSend})
    EXPECT_GT(unary.stages[stage].count(), 0);
  EXPECT_EQ(unary.stages[Stage::kGather].count(), 0);

  OpenStream stream(*stub_);
  for (int batch = 0; batch < 2; ++batch) ASSERT_TRUE(stream.Write(MessagesOf(GoodRandomMasking(), 64)));
  stream.WritesDone();
  EXPECT_TRUE(stream.Finish().ok());
  std::vector<CallReport> reports = Reports(3);
  ASSERT_EQ(reports.size(), 3u);
  for (std::size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(reports[i].method, "/maskd.v1.MaskingService/StreamRandomMasking");
    EXPECT_GT(reports[i].stages[Stage::kGather].count(), 0);
    EXPECT_EQ(reports[i].request_id.size(), 16u);
    EXPECT_EQ(reports[i].request_id, reports[1].request_id);
  }
}

}  // namespace
}  // namespace maskd
