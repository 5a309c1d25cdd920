// StreamTensors as a plain protobuf client calls it.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/masker.h"
#include "maskd/v1/tensor_service.grpc.pb.h"
#include "proto/retry_info.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/streamed_batches.h"

namespace maskd {
namespace {

using ::testing::HasSubstr;
using Messages = std::vector<v1::StreamTensorsRequest>;

template <typename Element>
v1::Tensor MakeTensor(v1::ElementType type, const std::vector<std::int64_t>& shape,
                      const std::vector<Element>& values) {
  v1::Tensor tensor;
  tensor.set_element_type(type);
  for (const std::int64_t size : shape) tensor.add_shape(size);
  tensor.mutable_data()->assign(reinterpret_cast<const char*>(values.data()),
                                values.size() * sizeof(Element));
  return tensor;
}

v1::Tensor Floats(const std::vector<std::int64_t>& shape, float first = 0) {
  std::vector<float> values(static_cast<std::size_t>(
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>())));
  std::iota(values.begin(), values.end(), first);
  return MakeTensor(v1::ELEMENT_TYPE_FLOAT32, shape, values);
}

v1::Tensor Ids(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& values) {
  return MakeTensor(v1::ELEMENT_TYPE_INT64, shape, values);
}

// `rows` rows of `columns`, the last of them first.
v1::GatherRequest ReversedRows(std::int64_t rows, std::int64_t columns) {
  v1::GatherRequest request;
  *request.mutable_input() = Floats({rows, columns});
  std::vector<std::int64_t> index(static_cast<std::size_t>(rows));
  for (std::int64_t row = 0; row < rows; ++row) index[static_cast<std::size_t>(row)] = rows - 1 - row;
  *request.mutable_index() = Ids({rows}, index);
  request.set_index_rank(1);
  return request;
}

// The first message, and the data in messages of `chunk_bytes`. `tensors` are
// those of the message, in order.
Messages Cut(v1::StreamTensorsRequest first, const std::vector<v1::Tensor*>& tensors,
             std::size_t chunk_bytes) {
  std::string data;
  for (v1::Tensor* const tensor : tensors) {
    data += tensor->data();
    tensor->clear_data();
  }
  Messages messages = {std::move(first)};
  for (std::size_t at = 0; at < data.size(); at += chunk_bytes)
    messages.emplace_back().set_data(data.substr(at, chunk_bytes));
  return messages;
}

Messages MessagesOf(const v1::GatherRequest& request, std::size_t chunk_bytes) {
  v1::StreamTensorsRequest first;
  *first.mutable_gather() = request;
  v1::GatherRequest& gather = *first.mutable_gather();
  const std::vector<v1::Tensor*> tensors = {gather.mutable_input(), gather.mutable_index()};
  return Cut(std::move(first), tensors, chunk_bytes);
}

struct Answer {
  grpc::Status status;
  v1::StreamTensorsResponse result;
  std::string data;
  std::optional<std::chrono::milliseconds> retry_delay;
};

class TensorStreamTest : public testing::TestWithParam<Transport> {
 protected:
  explicit TensorStreamTest(const Limits& limits = {}) : served_(MakeCpuMasker(2), GetParam(), limits) {}

  void TearDown() override { ExpectBudgetReturns(served_.server()); }

  // Sends all of `messages` while another thread reads.
  Answer Send(const Messages& messages) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    const auto stream = stub_->StreamTensors(&context);
    Answer answer;
    std::thread reader([&] {
      v1::StreamTensorsResponse message;
      for (bool first = true; stream->Read(&message); first = false) {
        answer.data += message.data();
        message.clear_data();
        if (first) answer.result = message;
        EXPECT_EQ(message.result_case() != v1::StreamTensorsResponse::RESULT_NOT_SET, first);
      }
    });
    for (const v1::StreamTensorsRequest& message : messages) {
      if (!stream->Write(message)) break;
    }
    stream->WritesDone();
    reader.join();
    answer.status = stream->Finish();
    answer.retry_delay = DecodeRetryInfo(answer.status.error_details());
    return answer;
  }

  void ExpectInvalid(const Messages& messages, const std::string& reason) {
    const Answer answer = Send(messages);
    EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(answer.status.error_message(), HasSubstr(reason));
  }

  const ServedMasker served_;
  const std::unique_ptr<v1::TensorService::Stub> stub_ = v1::TensorService::NewStub(served_.channel());
};

INSTANTIATE_TEST_SUITE_P(Transports, TensorStreamTest,
                         testing::Values(Transport::kInProcess, Transport::kLoopback, Transport::kUnixSocket),
                         [](const auto& test) { return TransportName(test.param); });

TEST_P(TensorStreamTest, IsTheUnaryCallHoweverItIsCut) {
  const v1::GatherRequest request = ReversedRows(100, 7);
  grpc::ClientContext context;
  v1::GatherResponse expected;
  ASSERT_TRUE(stub_->Gather(&context, request, &expected).ok());
  for (const std::size_t chunk_bytes : {1, 13, 2799, 2800, 2801, 4000}) {
    const Answer answer = Send(MessagesOf(request, chunk_bytes));
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    v1::GatherResponse response = answer.result.gather();
    response.mutable_output()->set_data(answer.data);
    EXPECT_EQ(response.SerializeAsString(), expected.SerializeAsString()) << "in chunks of " << chunk_bytes;
  }
}

TEST_P(TensorStreamTest, DataMayComeWithTheOperation) {
  Messages messages = MessagesOf(ReversedRows(2, 1), 100);
  ASSERT_EQ(messages.size(), 2u);
  messages[0].set_data(messages[1].data());
  messages.pop_back();
  EXPECT_EQ(Send(messages).data, Floats({2}, 0).data().substr(4) + std::string(4, '\0'));
}

// 24 MiB each way: many messages, larger than a slice.
TEST_P(TensorStreamTest, ManyMessages) {
  const v1::GatherRequest request = ReversedRows(3, 2 << 20);
  const Answer answer = Send(MessagesOf(request, std::size_t{4} << 20));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  const std::string& data = request.input().data();
  const std::size_t row = data.size() / 3;
  EXPECT_EQ(answer.data, data.substr(2 * row) + data.substr(row, row) + data.substr(0, row));
}

TEST_P(TensorStreamTest, SeveralTensorsComeBack) {
  v1::StreamTensorsRequest first;
  v1::PadSequencesRequest& pad = *first.mutable_pad_sequences();
  *pad.mutable_values() = Floats({3}, 1);
  pad.add_lengths(1);
  pad.add_lengths(2);
  const Answer answer = Send(Cut(std::move(first), {pad.mutable_values()}, 5));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  const auto& padded = answer.result.pad_sequences();
  EXPECT_EQ(padded.padded().shape_size(), 2);
  EXPECT_EQ(padded.mask().shape_size(), 2);
  const auto expected = MakeTensor<float>(v1::ELEMENT_TYPE_FLOAT32, {8}, {1, 0, 2, 3, 1, 0, 1, 1});
  EXPECT_EQ(answer.data, expected.data());
}

TEST_P(TensorStreamTest, NumbersAloneComeBack) {
  v1::StreamTensorsRequest first;
  v1::MaskedNllLossRequest& loss = *first.mutable_masked_nll_loss();
  *loss.mutable_scores() = Floats({2, 3}, -6);
  *loss.mutable_target() = Ids({2}, {2, 9});
  *loss.mutable_mask() = MakeTensor<float>(v1::ELEMENT_TYPE_FLOAT32, {2}, {1, 0});
  loss.set_kind(v1::SCORE_KIND_LOG_PROBABILITIES);
  const Answer answer =
      Send(Cut(std::move(first), {loss.mutable_scores(), loss.mutable_target(), loss.mutable_mask()}, 7));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.result.masked_nll_loss().loss(), 4);
  EXPECT_EQ(answer.result.masked_nll_loss().count(), 1);
  EXPECT_TRUE(answer.data.empty());
}

TEST_P(TensorStreamTest, NothingToMoveIsNoError) {
  const Answer answer = Send(MessagesOf(ReversedRows(0, 5), 100));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.result.gather().output().shape(0), 0);
  EXPECT_TRUE(answer.data.empty());
}

TEST_P(TensorStreamTest, SaysWhatIsWrongWithTheStream) {
  const Messages good = MessagesOf(ReversedRows(10, 10), 100);
  Messages messages = good;
  messages.pop_back();
  ExpectInvalid(messages, "the stream ended 80 bytes before the 480 of its tensors");
  messages = good;
  messages.emplace_back().set_data("x");
  ExpectInvalid(messages, "goes on for 1 bytes after the 480");
  messages = good;
  messages.push_back(good[0]);
  ExpectInvalid(messages, "a stream has one");
  messages = good;
  messages.erase(messages.begin());
  ExpectInvalid(messages, "the first message of the stream has no operation");
  ExpectInvalid({}, "ended before its first message");
  messages = good;
  messages[0].mutable_gather()->mutable_input()->set_data(std::string(400, 'x'));
  ExpectInvalid(messages, "input has data");
  ExpectInvalid(MessagesOf(ReversedRows(2, 1 << 20), (4 << 20) + 1), "4194304, send smaller chunks");
}

// Before any data is sent.
TEST_P(TensorStreamTest, SaysWhatIsWrongWithTheOperation) {
  v1::StreamTensorsRequest first = MessagesOf(ReversedRows(10, 10), 100)[0];
  first.mutable_gather()->set_dim(3);
  ExpectInvalid({first}, "dim is 3");
  first = MessagesOf(ReversedRows(10, 10), 100)[0];
  first.mutable_gather()->mutable_input()->set_shape(0, std::int64_t{1} << 50);
  const Answer answer = Send({first});
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(answer.status.error_message(), HasSubstr("1099511627776 bytes"));
  EXPECT_FALSE(answer.retry_delay.has_value());
}

TEST_P(TensorStreamTest, SaysWhatIsWrongWithTheData) {
  v1::GatherRequest request = ReversedRows(2, 2);
  *request.mutable_index() = Ids({2}, {0, 2});
  ExpectInvalid(MessagesOf(request, 100), "index[1] is 2");
}

TEST_P(TensorStreamTest, TooManyLengthsForAHeader) {
  v1::StreamTensorsRequest first;
  v1::PadSequencesRequest& pad = *first.mutable_pad_sequences();
  *pad.mutable_values() = Floats({0});
  pad.mutable_lengths()->Resize((1 << 20) + 1, 0);
  const Answer answer = Send({first});
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(answer.status.error_message(), HasSubstr("1048576"));
}

// A budget of 8 MiB, and messages of 1 MiB.
class SmallServerTest : public TensorStreamTest {
 protected:
  SmallServerTest()
      : TensorStreamTest({.max_message_bytes = 1 << 20,
                          .max_inflight_bytes = 8 << 20,
                          .max_idle = std::chrono::seconds(1)}) {}
};

INSTANTIATE_TEST_SUITE_P(Transports, SmallServerTest, testing::Values(Transport::kLoopback),
                         [](const auto& test) { return TransportName(test.param); });

TEST_P(SmallServerTest, TakesMoreThanAMessage) {
  const v1::GatherRequest request = ReversedRows(2, 200'000);
  const Answer answer = Send(MessagesOf(request, 500'000));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.data.size(), request.input().data().size());
}

TEST_P(SmallServerTest, RefusesForGoodWhatNeverHasRoom) {
  const Answer answer = Send({MessagesOf(ReversedRows(2, 1'000'000), 500'000)[0]});
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(answer.status.error_message(), HasSubstr("8388608"));
  EXPECT_FALSE(answer.retry_delay.has_value());
}

TEST_P(SmallServerTest, RefusesForNowWhatHasNoRoomNow) {
  const Messages messages = MessagesOf(ReversedRows(2, 200'000), 500'000);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  const auto holder = stub_->StreamTensors(&context);
  ASSERT_TRUE(holder->Write(messages[0]));
  holder->WaitForInitialMetadata();  // it has room
  const Answer answer = Send(messages);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(answer.retry_delay.has_value());
  // Who sends nothing for a second loses its room.
  v1::StreamTensorsResponse none;
  EXPECT_FALSE(holder->Read(&none));
  EXPECT_EQ(holder->Finish().error_code(), grpc::StatusCode::CANCELLED);
  ExpectBudgetReturns(served_.server());
  EXPECT_TRUE(Send(messages).status.ok());
}

TEST_P(SmallServerTest, ACallerThatLeavesLeavesNothing) {
  const Messages messages = MessagesOf(ReversedRows(2, 200'000), 500'000);
  for (const std::size_t sent : {std::size_t{1}, std::size_t{2}, messages.size()}) {
    grpc::ClientContext context;
    const auto stream = stub_->StreamTensors(&context);
    ASSERT_TRUE(stream->Write(messages[0]));
    stream->WaitForInitialMetadata();  // it has room, and so none when it is back
    for (std::size_t i = 1; i < sent; ++i) ASSERT_TRUE(stream->Write(messages[i]));
    context.TryCancel();
    stream->Finish();
    ExpectBudgetReturns(served_.server());
  }
}

TEST_P(SmallServerTest, ADrainLetsItEnd) {
  const Messages messages = MessagesOf(ReversedRows(2, 100'000), 500'000);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  const auto stream = stub_->StreamTensors(&context);
  ASSERT_TRUE(stream->Write(messages[0]));
  stream->WaitForInitialMetadata();
  std::thread drain([this] { served_.server().Drain(kPatience); });
  for (std::size_t i = 1; i < messages.size(); ++i) EXPECT_TRUE(stream->Write(messages[i]));
  stream->WritesDone();
  std::string data;
  for (v1::StreamTensorsResponse message; stream->Read(&message);) data += message.data();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(data.size(), 800'000u);
  drain.join();
}

}  // namespace
}  // namespace maskd
