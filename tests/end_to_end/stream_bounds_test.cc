// The bounds of a stream, on either side of which something else happens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "kernels/masker.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/streamed_batches.h"

namespace maskd {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;

class StreamBoundTest : public ::testing::Test {
 protected:
  void TearDown() override {
    ExpectBudgetReturns(served_.server());
    ExpectAnswers(served_);
  }

  // Both codes have a rule for what is over a bound that a field states.
  void ExpectRefused(const StreamAnswer& answer, std::int64_t bound) {
    EXPECT_THAT(answer.status.error_code(), AnyOf(Eq(grpc::INVALID_ARGUMENT), Eq(grpc::RESOURCE_EXHAUSTED)));
    EXPECT_THAT(answer.status.error_message(), HasSubstr(std::to_string(bound)));
    EXPECT_TRUE(answer.status.error_details().empty()) << "advises to retry";
    EXPECT_TRUE(answer.parts.empty());
  }

  ServedMasker served_{MakeCpuMasker(2), Transport::kLoopback};
};

TEST_F(StreamBoundTest, ChunkOfTheBoundIsTakenAndOneByteMoreIsNot) {
  const v1::RandomMaskingRequest request = BulkRequest(17);
  ExpectUnaryResults(served_.stub(), {request},
                     StreamAll(served_.stub(), MessagesOf(request, kMaxChunkBytes)));
  ExpectRefused(StreamAll(served_.stub(), MessagesOf(request, kMaxChunkBytes + 1)), kMaxChunkBytes);
}

TEST_F(StreamBoundTest, ChunkFarOverTheBoundIsRefused) {
  const v1::RandomMaskingRequest request = BulkRequest(200);
  const StreamAnswer answer = StreamAll(served_.stub(), MessagesOf(request, request.tokens().size()));
  EXPECT_THAT(answer.status.error_code(), AnyOf(Eq(grpc::INVALID_ARGUMENT), Eq(grpc::RESOURCE_EXHAUSTED)))
      << answer.status.error_message();
  EXPECT_TRUE(answer.parts.empty());
}

// Tokens of one byte, an id each: a header of `header_bytes`.
v1::RandomMaskingRequest RequestWithHeaderOf(std::size_t header_bytes) {
  for (int digits = 1; digits <= 9; ++digits) {
    v1::RandomMaskingRequest request;
    request.mutable_layout()->set_sequence_length(1);
    request.mutable_layout()->set_token_dim(1);
    request.mutable_layout()->set_element_bytes(1);
    request.mutable_spec()->set_num_keep(1);
    request.mutable_spec()->set_seed(std::uint64_t{1} << (7 * (digits - 1)));
    auto& ids = *request.mutable_spec()->mutable_sample_ids()->mutable_ids();
    ids.Resize(static_cast<int>(header_bytes / 8 - 10), 5);
    while (HeaderOf(request).ByteSizeLong() < header_bytes) {
      ids.Add(6);
      request.mutable_layout()->set_batch_size(ids.size());
    }
    if (HeaderOf(request).ByteSizeLong() != header_bytes) continue;
    request.set_tokens(std::string(static_cast<std::size_t>(ids.size()), 'x'));
    return request;
  }
  ADD_FAILURE() << "no header has " << header_bytes << " bytes";
  return {};
}

TEST_F(StreamBoundTest, HeaderOfTheBoundIsTakenAndOneByteMoreIsNot) {
  const v1::RandomMaskingRequest taken = RequestWithHeaderOf(kMaxHeaderBytes);
  ExpectUnaryResults(served_.stub(), {taken}, StreamAll(served_.stub(), MessagesOf(taken, 1 << 20)));
  const v1::RandomMaskingRequest refused = RequestWithHeaderOf(kMaxHeaderBytes + 1);
  ExpectRefused(StreamAll(served_.stub(), MessagesOf(refused, 1 << 20)), kMaxHeaderBytes);
}

TEST_F(StreamBoundTest, LargestHeaderWithLargestChunk) {
  v1::RandomMaskingRequest request = RequestWithHeaderOf(kMaxHeaderBytes - 64);
  request.mutable_layout()->set_token_dim(100);
  request.set_tokens(std::string(static_cast<std::size_t>(request.layout().batch_size()) * 100, 'y'));
  StreamMessages messages = MessagesOf(request, kMaxChunkBytes);
  *messages[1].mutable_header() = messages[0].header();
  messages.erase(messages.begin());
  ExpectUnaryResults(served_.stub(), {request}, StreamAll(served_.stub(), messages));
}

// Claims 2^40 bytes of tokens and `more` samples of one byte.
v1::RandomMaskingRequest Terabyte(std::int64_t more) {
  v1::RandomMaskingRequest request;
  request.mutable_layout()->set_batch_size((std::int64_t{1} << 40) + more);
  request.mutable_layout()->set_sequence_length(1);
  request.mutable_layout()->set_token_dim(1);
  request.mutable_layout()->set_element_bytes(1);
  request.mutable_spec()->set_num_keep(1);
  return request;
}

TEST_F(StreamBoundTest, ATerabyteIsAdmittedAndMayBeCancelled) {
  OpenStream stream(served_.stub());
  ASSERT_TRUE(stream.Admit(Terabyte(0)));
  EXPECT_LT(served_.server().inflight_bytes(), 64 << 20) << "a few chunks, never a batch";
  EXPECT_TRUE(stream.Write(TokensMessage(std::string(1000, 'x'))));
  stream.Cancel();
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(StreamBoundTest, ATerabyteThatEndsEarlyIsInvalid) {
  const StreamAnswer answer =
      StreamAll(served_.stub(), {HeaderMessage(Terabyte(0)), TokensMessage(std::string(1000, 'x'))});
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << answer.status.error_message();
  EXPECT_THAT(answer.status.error_message(), HasSubstr("1099511627776"));
}

TEST_F(StreamBoundTest, MoreThanATerabyteIsRefused) {
  ExpectRefused(StreamAll(served_.stub(), {HeaderMessage(Terabyte(1))}), std::int64_t{1} << 40);
}

}  // namespace
}  // namespace maskd
