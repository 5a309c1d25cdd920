// Callers that go at every stage of a stream: the budget comes back, and the
// next caller is answered.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "kernels/masker.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/socket_relay.h"
#include "tests/end_to_end/streamed_batches.h"

namespace maskd {
namespace {

constexpr std::size_t kChunkBytes = 1 << 20;

// What a caller has done before it goes.
struct Stage {
  const char* name;
  std::function<void(OpenStream& stream, const v1::RandomMaskingRequest& request)> reach;
};

std::ostream& operator<<(std::ostream& out, const Stage& stage) { return out << stage.name; }

// Of the tokens, all but the last `without` bytes.
void AdmitAndSend(OpenStream& stream, const v1::RandomMaskingRequest& request, std::size_t without) {
  ASSERT_TRUE(stream.Admit(request));
  const std::size_t end = request.tokens().size() - without;
  for (std::size_t at = 0; at < end; at += kChunkBytes)
    ASSERT_TRUE(stream.Write(TokensMessage(request.tokens().substr(at, std::min(kChunkBytes, end - at)))));
}

void ReadOnePart(OpenStream& stream) {
  v1::StreamRandomMaskingResponse part;
  ASSERT_TRUE(stream.Read(&part));
}

const Stage kStages[] = {
    {"BeforeTheHeader", [](OpenStream&, const auto&) {}},
    {"AfterTheHeader", [](OpenStream& stream, const auto& request) { ASSERT_TRUE(stream.Admit(request)); }},
    {"InsideAPart", [](OpenStream& stream, const auto& request) { AdmitAndSend(stream, request, 12345678); }},
    {"InsideTheLastPart", [](OpenStream& stream, const auto& request) { AdmitAndSend(stream, request, 1); }},
    {"AfterTheTokens", [](OpenStream& stream, const auto& request) { AdmitAndSend(stream, request, 0); }},
    {"AfterTheEnd",
     [](OpenStream& stream, const auto& request) {
       AdmitAndSend(stream, request, 0);
       stream.WritesDone();
     }},
    {"AfterOnePart",
     [](OpenStream& stream, const auto& request) {
       AdmitAndSend(stream, request, 0);
       ReadOnePart(stream);
     }},
    {"AfterOnePartInsideABatch",
     [](OpenStream& stream, const auto& bulk) {
       v1::RandomMaskingRequest request = bulk;
       request.mutable_spec()->set_num_keep(256);  // its results are as large as its tokens
       ASSERT_TRUE(stream.Admit(request));
       std::atomic<bool> read = false;
       std::thread reader([&] { ReadOnePart(stream), read = true; });
       for (std::size_t at = 0; !read && at < request.tokens().size(); at += kChunkBytes)
         EXPECT_TRUE(stream.Write(TokensMessage(request.tokens().substr(at, kChunkBytes))));
       reader.join();
     }},
};

class DepartureTest : public ::testing::TestWithParam<Stage> {
 protected:
  void TearDown() override {
    ExpectBudgetReturns(served_.server());
    ExpectAnswers(served_);
  }

  const v1::RandomMaskingRequest request_ = BulkRequest(60);
  ServedMasker served_{MakeCpuMasker(2), Transport::kLoopback};
};

TEST_P(DepartureTest, CallerCancels) {
  OpenStream stream(served_.stub());
  GetParam().reach(stream, request_);
  stream.Cancel();
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED) << status.error_message();
}

TEST_P(DepartureTest, CallerVanishes) {
  SocketRelay relay(served_.address());
  const auto stub = v1::MaskingService::NewStub(MakeChannel(relay.address()));
  OpenStream stream(*stub);
  GetParam().reach(stream, request_);
  relay.Cut();
  ExpectBudgetReturns(served_.server());
  const grpc::Status status = stream.Finish();
  // With everything sent, the answer may have come before the cut.
  EXPECT_TRUE(!status.ok() || std::string(GetParam().name) == "AfterTheEnd");
}

// Twenty at once, some gone before the server has looked at them.
TEST_P(DepartureTest, ManyCallersCancel) {
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int j = 0; j < 5; ++j) {
        OpenStream stream(served_.stub());
        GetParam().reach(stream, request_);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

std::string StageName(const ::testing::TestParamInfo<Stage>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Stages, DepartureTest, ::testing::ValuesIn(kStages), StageName);

// The server has parts that nobody takes, and goes no further.
class UnreadPartsTest : public ::testing::Test {
 protected:
  // Sends a batch whose results are as large as its tokens, reads nothing, and
  // goes by way of `go` when some of it has been sent.
  void SendAndGo(v1::MaskingService::Stub& stub, const std::function<void(OpenStream&)>& go) {
    v1::RandomMaskingRequest request = BulkRequest(120);
    request.mutable_spec()->set_num_keep(256);
    OpenStream stream(stub);
    ASSERT_TRUE(stream.Admit(request));
    std::atomic<int> sent = 0;
    std::atomic<bool> ended = false;
    std::thread sender([&] {
      for (std::size_t at = 0; at < request.tokens().size(); at += kChunkBytes, ++sent) {
        if (!stream.Write(TokensMessage(request.tokens().substr(at, kChunkBytes)))) break;
      }
      ended = true;
    });
    while (sent < 3 && !ended) std::this_thread::yield();
    go(stream);
    sender.join();
    EXPECT_LT(sent, 30) << "all of it was taken, and none of its results";
    ExpectBudgetReturns(served_.server());
    EXPECT_FALSE(stream.Finish().ok());
  }

  ServedMasker served_{MakeCpuMasker(2), Transport::kLoopback};
};

TEST_F(UnreadPartsTest, CallerCancels) {
  SendAndGo(served_.stub(), [](OpenStream& stream) { stream.Cancel(); });
  ExpectAnswers(served_);
}

TEST_F(UnreadPartsTest, CallerVanishes) {
  SocketRelay relay(served_.address());
  const auto stub = v1::MaskingService::NewStub(MakeChannel(relay.address()));
  SendAndGo(*stub, [&](OpenStream&) { relay.Cut(); });
  ExpectAnswers(served_);
}

// A unary call whose caller vanishes half way through its request.
TEST(UnaryDepartureTest, CallerVanishesInsideItsRequest) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback);
  SocketRelay relay(served.address());
  const auto stub = v1::MaskingService::NewStub(MakeChannel(relay.address()));
  const v1::RandomMaskingRequest request = BulkRequest(20);
  relay.HoldAfter(2 << 20);
  std::thread caller([&] {
    v1::RandomMaskingResponse response;
    EXPECT_FALSE(CallUnary(*stub, request, &response).ok());
  });
  EXPECT_TRUE(relay.WaitUntilHeld());
  relay.Cut();
  caller.join();
  ExpectBudgetReturns(served.server());
  ExpectAnswers(served);
}

}  // namespace
}  // namespace maskd
