// TensorClient against a server, and against one that answers with something else.
#include "client/tensor_client.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/masking_client.h"
#include "kernels/masker.h"
#include "maskd/v1/tensor_service.grpc.pb.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

using ::testing::HasSubstr;

template <typename Element>
Tensor MakeTensor(ElementType type, const Shape& shape, const std::vector<Element>& values) {
  Tensor tensor;
  tensor.form.type = type;
  tensor.form.shape = shape;
  tensor.data.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Element));
  return tensor;
}

Tensor Floats(const Shape& shape, const std::vector<float>& values) {
  return MakeTensor(ElementType::kFloat32, shape, values);
}

Tensor Ids(const Shape& shape, const std::vector<std::int64_t>& values) {
  return MakeTensor(ElementType::kInt64, shape, values);
}

void ExpectTensor(const absl::StatusOr<Tensor>& tensor, const Tensor& expected) {
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(tensor->form.type, expected.form.type);
  EXPECT_EQ(tensor->form.shape, expected.form.shape);
  EXPECT_EQ(tensor->data, expected.data);
}

struct Way {
  std::string name;
  Transport transport;
  std::int64_t stream_from_bytes;
};

class TensorClientTest : public testing::TestWithParam<Way> {
 protected:
  TensorClientTest()
      : served_(MakeReferenceMasker(), GetParam().transport),
        client_(served_.channel(), {.stream_from_bytes = GetParam().stream_from_bytes}) {}

  const ServedMasker served_;
  TensorClient client_;
};

INSTANTIATE_TEST_SUITE_P(Ways, TensorClientTest,
                         testing::Values(Way{"UnaryInProcess", Transport::kInProcess, INT64_MAX},
                                         Way{"UnaryLoopback", Transport::kLoopback, INT64_MAX},
                                         Way{"UnaryUnixSocket", Transport::kUnixSocket, INT64_MAX},
                                         Way{"StreamInProcess", Transport::kInProcess, 0},
                                         Way{"StreamLoopback", Transport::kLoopback, 0},
                                         Way{"StreamUnixSocket", Transport::kUnixSocket, 0}),
                         [](const auto& test) { return test.param.name; });

// 3 MiB of tokens: more than a slice, and than one write.
TEST_P(TensorClientTest, RestoresWhatWasMasked) {
  constexpr std::int64_t kBatch = 20;
  constexpr std::int64_t kLength = 49;
  constexpr std::int64_t kDim = 769;
  std::vector<float> values(kBatch * kLength * kDim);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  MaskingSpec spec{
      .batch_size = kBatch, .sequence_length = kLength, .token_type = TokenType{kDim, 4}, .mask_ratio = 0.75};
  spec.selection = {.kept_tokens = true, .mask = true, .ids_restore = true};
  MaskingClient masking(served_.channel(), {});
  const auto batch = masking.RandomMasking(spec, std::as_bytes(std::span(values)));
  ASSERT_TRUE(batch.ok()) << batch.status();

  Tensor kept = Floats({kBatch, batch->num_keep, kDim}, {});
  kept.data = batch->kept_tokens;
  Tensor ids = Ids({kBatch, kLength}, {});
  ids.data = batch->ids_restore;
  const Tensor fill = Floats({kDim}, std::vector<float>(kDim, -7));
  RestoreTokensArguments arguments;
  arguments.kept_tokens = kept.view();
  arguments.ids_restore = ids.view();
  arguments.fill = fill.view();

  std::vector<float> expected = values;
  const auto* const mask = reinterpret_cast<const float*>(batch->mask.data());
  std::int64_t removed = 0;
  for (std::int64_t token = 0; token < kBatch * kLength; ++token) {
    if (mask[token] == 0) continue;
    ++removed;
    std::fill_n(expected.begin() + token * kDim, kDim, -7.0f);
  }
  ASSERT_EQ(removed, kBatch * (kLength - batch->num_keep));
  ExpectTensor(client_.RestoreTokens(arguments), Floats({kBatch, kLength, kDim}, expected));
}

TEST_P(TensorClientTest, EveryOtherOperation) {
  const Tensor x = Floats({2, 3}, {0, 1, 2, 3, 4, 5});
  const Tensor index = Ids({2, 2}, {2, 0, 1, 1});
  const Tensor src = Floats({2, 2}, {10, 20, 30, 40});
  GatherArguments gather;
  gather.input = x.view();
  gather.index = index.view();
  gather.dim = -1;
  ExpectTensor(client_.Gather(gather), Floats({2, 2}, {2, 0, 4, 4}));

  ScatterArguments scatter;
  scatter.input = x.view();
  scatter.index = index.view();
  scatter.src = src.view();
  scatter.dim = 1;
  ExpectTensor(client_.Scatter(scatter), Floats({2, 3}, {20, 1, 10, 3, 40, 5}));
  ExpectTensor(client_.ScatterAdd(scatter), Floats({2, 3}, {20, 1, 12, 3, 74, 5}));

  const Tensor mask = Floats({3}, {1, 0, 1});
  MaskedSelectArguments select;
  select.input = x.view();
  select.mask = mask.view();
  ExpectTensor(client_.MaskedSelect(select), Floats({4}, {0, 2, 3, 5}));

  const Tensor steps = Floats({3}, {1, 2, 3});
  PadSequencesArguments pad;
  pad.values = steps.view();
  pad.lengths = {1, 2};
  const auto padded = client_.PadSequences(pad);
  ASSERT_TRUE(padded.ok()) << padded.status();
  ExpectTensor(padded->padded, Floats({2, 2}, {1, 0, 2, 3}));
  ExpectTensor(padded->mask, Floats({2, 2}, {1, 0, 1, 1}));

  const Tensor log_p = Floats({2, 3}, {-1, -2, -3, -4, -5, -6});
  const Tensor target = Ids({2}, {2, 9});  // the second is not read
  const Tensor first = Floats({2}, {1, 0});
  MaskedNllLossArguments nll;
  nll.scores = log_p.view();
  nll.target = target.view();
  nll.mask = first.view();
  nll.kind = ScoreKind::kLogProbabilities;
  const auto nll_loss = client_.MaskedNllLoss(nll);
  ASSERT_TRUE(nll_loss.ok()) << nll_loss.status();
  EXPECT_EQ(nll_loss->loss, 3);
  EXPECT_EQ(nll_loss->count, 1);

  const Tensor prediction = Floats({1, 2, 2}, {1, 3, 7, 7});
  const Tensor zeros = Floats({1, 2, 2}, {0, 0, 0, 0});
  const Tensor removed = Floats({1, 2}, {1, 0});
  MaskedReconstructionLossArguments reconstruction;
  reconstruction.prediction = prediction.view();
  reconstruction.target = zeros.view();
  reconstruction.mask = removed.view();
  const auto loss = client_.MaskedReconstructionLoss(reconstruction);
  ASSERT_TRUE(loss.ok()) << loss.status();
  EXPECT_EQ(loss->loss, 5);
  EXPECT_EQ(loss->count, 1);
}

TEST_P(TensorClientTest, SaysWhatIsWrong) {
  const Tensor x = Floats({3}, {0, 1, 2});
  const Tensor index = Ids({1}, {3});
  GatherArguments gather;
  gather.input = x.view();
  gather.index = index.view();
  const auto out_of_range = client_.Gather(gather);
  EXPECT_EQ(out_of_range.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(out_of_range.status().message(), HasSubstr("index[0] is 3"));

  gather.input.data = gather.input.data.first(8);
  const auto too_short = client_.Gather(gather);
  EXPECT_EQ(too_short.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(too_short.status().message(), HasSubstr("input has 8 bytes"));
}

TEST(TensorClientAloneTest, NoServerIsUnavailable) {
  TensorClient::Options options;
  options.max_attempts = 2;
  const TemporaryFolder folder;
  const auto client = TensorClient::Connect("unix:" + folder.path() + "/nobody.sock", options);
  ASSERT_TRUE(client.ok()) << client.status();
  const Tensor x = Floats({3}, {0, 1, 2});
  const Tensor index = Ids({1}, {0});
  GatherArguments gather;
  gather.input = x.view();
  gather.index = index.view();
  EXPECT_EQ((*client)->Gather(gather).status().code(), absl::StatusCode::kUnavailable);
}

// Answers Gather, either way, with what it is told, after a number of UNAVAILABLE.
class ScriptedTensorService final : public v1::TensorService::Service {
 public:
  grpc::Status Gather(grpc::ServerContext*, const v1::GatherRequest* request,
                      v1::GatherResponse* response) override {
    *response = answer;
    return Answer(request->index().data());
  }

  grpc::Status StreamTensors(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::StreamTensorsResponse, v1::StreamTensorsRequest>* stream) override {
    stream->SendInitialMetadata();
    std::string data;
    std::size_t input_bytes = 0;
    for (v1::StreamTensorsRequest request; stream->Read(&request);) {
      if (request.has_gather()) input_bytes = 4 * static_cast<std::size_t>(request.gather().input().shape(0));
      data += request.data();
    }
    if (const grpc::Status status = Answer(data.substr(input_bytes)); !status.ok()) return status;
    for (const v1::StreamTensorsResponse& message : Messages()) stream->Write(message);
    return grpc::Status::OK;
  }

  // What a stream is answered with.
  std::vector<v1::StreamTensorsResponse> Messages() const {
    if (!messages.empty()) return messages;
    std::vector<v1::StreamTensorsResponse> parts(2);
    *parts[0].mutable_gather() = answer;
    if (!answer.has_output()) return {parts[0]};
    parts[0].mutable_gather()->mutable_output()->clear_data();
    parts[1].set_data(answer.output().data());
    return parts;
  }

  int refusals = 0;
  v1::GatherResponse answer;
  std::vector<v1::StreamTensorsResponse> messages;

  std::mutex mutex;  // of what follows
  int calls = 0;
  std::string last_index;

 private:
  grpc::Status Answer(const std::string& index) {
    const std::scoped_lock lock(mutex);
    ++calls;
    last_index = index;
    return calls > refusals ? grpc::Status::OK : grpc::Status(grpc::StatusCode::UNAVAILABLE, "not now");
  }
};

// The parameter says whether calls are streamed.
class ScriptedGatherTest : public testing::TestWithParam<bool> {
 protected:
  ScriptedGatherTest() {
    service_.answer.mutable_output()->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
    service_.answer.mutable_output()->add_shape(2);
    service_.answer.mutable_output()->set_data("01234567");
  }

  // Once a test; starts the server, which sees what was scripted before.
  absl::StatusOr<Tensor> Gather() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    TensorClient client(server_->InProcessChannel({}), {.stream_from_bytes = GetParam() ? 0 : INT64_MAX});
    GatherArguments gather;
    gather.input = x_.view();
    gather.index = index_.view();
    return client.Gather(gather);
  }

  const Tensor x_ = Floats({3}, {0, 1, 2});
  const Tensor index_ = Ids({2}, {2, 0});
  ScriptedTensorService service_;
  std::unique_ptr<grpc::Server> server_;
};

INSTANTIATE_TEST_SUITE_P(Ways, ScriptedGatherTest, testing::Bool(), NameOfWay);

TEST_P(ScriptedGatherTest, IsTriedAgainWithTheSameTensors) {
  service_.refusals = 2;
  const auto tensor = Gather();
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(tensor->data, "01234567");
  const std::scoped_lock lock(service_.mutex);
  EXPECT_EQ(service_.calls, 3);
  EXPECT_EQ(service_.last_index, index_.data);
}

TEST_P(ScriptedGatherTest, AnotherShapeIsAFault) {
  service_.answer.mutable_output()->set_shape(0, 1);
  service_.answer.mutable_output()->set_data("0123");
  EXPECT_EQ(Gather().status().code(), absl::StatusCode::kInternal);
}

TEST_P(ScriptedGatherTest, FewerBytesThanTheShapeHasAreAFault) {
  service_.answer.mutable_output()->set_data("0123456");
  EXPECT_EQ(Gather().status().code(), absl::StatusCode::kInternal);
}

TEST_P(ScriptedGatherTest, MoreBytesThanTheShapeHasAreAFault) {
  service_.answer.mutable_output()->set_data("012345678");
  EXPECT_EQ(Gather().status().code(), absl::StatusCode::kInternal);
}

TEST_P(ScriptedGatherTest, AnotherTypeIsAFault) {
  service_.answer.mutable_output()->set_element_type(v1::ELEMENT_TYPE_INT32);
  EXPECT_EQ(Gather().status().code(), absl::StatusCode::kInternal);
}

TEST_P(ScriptedGatherTest, NoTensorIsAFault) {
  service_.answer.clear_output();
  EXPECT_EQ(Gather().status().code(), absl::StatusCode::kInternal);
}

class ScriptedStreamTest : public ScriptedGatherTest {};

INSTANTIATE_TEST_SUITE_P(Ways, ScriptedStreamTest, testing::Values(true), NameOfWay);

TEST_P(ScriptedStreamTest, DataInPiecesIsTaken) {
  service_.messages = service_.Messages();
  service_.messages[0].set_data("012");
  service_.messages[1].set_data("34567");
  const auto tensor = Gather();
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(tensor->data, "01234567");
}

TEST_P(ScriptedStreamTest, DataBeforeTheResultIsAFault) {
  service_.messages = service_.Messages();
  std::swap(service_.messages[0], service_.messages[1]);
  EXPECT_EQ(Gather().status().code(), absl::StatusCode::kInternal);
}

TEST_P(ScriptedStreamTest, TwoResultsAreAFault) {
  service_.messages = service_.Messages();
  service_.messages.push_back(service_.messages[0]);
  EXPECT_EQ(Gather().status().code(), absl::StatusCode::kInternal);
}

TEST_P(ScriptedStreamTest, AnotherResultIsAFault) {
  service_.messages = service_.Messages();
  *service_.messages[0].mutable_scatter()->mutable_output() = service_.answer.output();
  EXPECT_EQ(Gather().status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace maskd
