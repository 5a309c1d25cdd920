// The tensor operations as a plain protobuf client calls them: the worked
// examples, and what is refused.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/masker.h"
#include "maskd/v1/masking_service.grpc.pb.h"
#include "maskd/v1/tensor_service.grpc.pb.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

template <typename Element>
v1::ElementType TypeOf();
template <>
v1::ElementType TypeOf<float>() {
  return v1::ELEMENT_TYPE_FLOAT32;
}
template <>
v1::ElementType TypeOf<std::int64_t>() {
  return v1::ELEMENT_TYPE_INT64;
}
template <>
v1::ElementType TypeOf<std::uint8_t>() {
  return v1::ELEMENT_TYPE_UINT8;
}

template <typename Element>
v1::Tensor MakeTensor(const std::vector<std::int64_t>& shape, const std::vector<Element>& values) {
  v1::Tensor tensor;
  tensor.set_element_type(TypeOf<Element>());
  for (const std::int64_t size : shape) tensor.add_shape(size);
  tensor.mutable_data()->assign(reinterpret_cast<const char*>(values.data()),
                                values.size() * sizeof(Element));
  return tensor;
}

template <typename Element>
void Flatten(const json& nested, std::vector<Element>& values) {
  if (!nested.is_array()) return values.push_back(nested.get<Element>());
  for (const json& part : nested) Flatten(part, values);
}

// A nested list as a tensor.
template <typename Element>
v1::Tensor TensorOf(const json& nested) {
  std::vector<std::int64_t> shape;
  for (const json* level = &nested; level->is_array(); level = &level->front())
    shape.push_back(static_cast<std::int64_t>(level->size()));
  std::vector<Element> values;
  Flatten(nested, values);
  return MakeTensor(shape, values);
}

v1::Tensor InputOf(const json& example) {
  if (example.contains("input")) return TensorOf<float>(example["input"]);
  std::vector<float> values(example["input_arange"]["count"].get<std::size_t>());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return MakeTensor(example["input_arange"]["shape"].get<std::vector<std::int64_t>>(), values);
}

void ExpectTensor(const v1::Tensor& tensor, const v1::Tensor& expected) {
  EXPECT_EQ(tensor.SerializeAsString(), expected.SerializeAsString())
      << tensor.ShortDebugString() << " where there should be " << expected.ShortDebugString();
}

json Examples() {
  std::ifstream file(MASKD_GOLDEN_DIR "/tensor_ops.json");
  return json::parse(file)["cases"];
}

class TensorServiceTest : public testing::TestWithParam<Transport> {
 protected:
  TensorServiceTest()
      : served_(MakeReferenceMasker(), GetParam()), stub_(v1::TensorService::NewStub(served_.channel())) {}

  const ServedMasker served_;
  const std::unique_ptr<v1::TensorService::Stub> stub_;
};

INSTANTIATE_TEST_SUITE_P(Transports, TensorServiceTest,
                         testing::Values(Transport::kInProcess, Transport::kLoopback, Transport::kUnixSocket),
                         [](const auto& test) { return TransportName(test.param); });

// What `call` gives for `request`, or the error.
template <typename Response, typename Stub, typename Request>
std::pair<grpc::Status, Response> Call(Stub& stub,
                                       grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                                    Response*),
                                       const Request& request) {
  grpc::ClientContext context;
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  return {status, response};
}

v1::GatherRequest GatherOf(const json& example) {
  v1::GatherRequest request;
  *request.mutable_input() = InputOf(example);
  *request.mutable_index() = TensorOf<std::int64_t>(example["index"]);
  request.set_dim(example["dim"].get<int>());
  return request;
}

TEST_P(TensorServiceTest, EveryWorkedExample) {
  int examples = 0;
  using Stub = v1::TensorService::Stub;
  for (const json& example : Examples()) {
    SCOPED_TRACE(example["name"].get<std::string>());
    const auto op = example["op"].get<std::string>();
    ++examples;
    if (op == "gather") {
      const auto [status, response] = Call(*stub_, &Stub::Gather, GatherOf(example));
      if (!example.contains("expect")) {
        EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
        EXPECT_THAT(status.error_message(), HasSubstr("size 3"));
        continue;
      }
      ASSERT_TRUE(status.ok()) << status.error_message();
      ExpectTensor(response.output(), TensorOf<float>(example["expect"]));
    } else if (op == "scatter") {
      v1::ScatterRequest request;
      *request.mutable_input() = TensorOf<float>(example["input"]);
      *request.mutable_index() = TensorOf<std::int64_t>(example["index"]);
      *request.mutable_src() = TensorOf<float>(example["src"]);
      request.set_dim(example["dim"].get<int>());
      const auto [status, response] = Call(*stub_, &Stub::Scatter, request);
      ASSERT_TRUE(status.ok()) << status.error_message();
      ExpectTensor(response.output(), TensorOf<float>(example["expect"]));
    } else if (op == "pad_sequences") {
      v1::PadSequencesRequest request;
      std::vector<std::int64_t> values;
      Flatten(example["sequences"], values);
      for (const json& sequence : example["sequences"])
        request.add_lengths(static_cast<std::int64_t>(sequence.size()));
      *request.mutable_values() = MakeTensor({static_cast<std::int64_t>(values.size())}, values);
      const auto padding = example["padding_value"].get<std::int64_t>();
      request.set_padding_value(std::string(reinterpret_cast<const char*>(&padding), sizeof padding));
      ASSERT_EQ(example["layout"], "time_major");
      request.set_layout(v1::SEQUENCE_LAYOUT_TIME_MAJOR);
      const auto [status, response] = Call(*stub_, &Stub::PadSequences, request);
      ASSERT_TRUE(status.ok()) << status.error_message();
      ExpectTensor(response.padded(), TensorOf<std::int64_t>(example["expect_padded"]));
      if (example.contains("expect_mask"))
        ExpectTensor(response.mask(), TensorOf<float>(example["expect_mask"]));
    } else if (op == "masked_select") {
      v1::MaskedSelectRequest request;
      *request.mutable_input() = TensorOf<float>(example["input"]);
      *request.mutable_mask() = TensorOf<std::uint8_t>(example["mask"]);
      const auto [status, response] = Call(*stub_, &Stub::MaskedSelect, request);
      ASSERT_TRUE(status.ok()) << status.error_message();
      ExpectTensor(response.selected(), TensorOf<float>(example["expect"]));
    } else if (op == "masked_nll_loss") {
      v1::MaskedNllLossRequest request;
      *request.mutable_scores() = TensorOf<float>(example["probabilities"]);
      *request.mutable_target() = TensorOf<std::int64_t>(example["target"]);
      *request.mutable_mask() = TensorOf<std::uint8_t>(example["mask"]);
      const auto [status, response] = Call(*stub_, &Stub::MaskedNllLoss, request);
      ASSERT_TRUE(status.ok()) << status.error_message();
      EXPECT_NEAR(response.loss(), example["expect_loss"].get<double>(), example["tolerance"].get<double>());
      EXPECT_EQ(response.count(), example["expect_count"].get<std::int64_t>());
    } else {
      ADD_FAILURE() << "an example of " << op << ", which this test does not know";
    }
  }
  EXPECT_EQ(examples, 16);
}

// [2, 2 + 3, 2] with two prefix tokens and three of four tokens kept.
v1::RestoreTokensRequest GoodRestore() {
  v1::RestoreTokensRequest request;
  std::vector<float> kept(2 * 5 * 2);
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = static_cast<float>(i);
  *request.mutable_kept_tokens() = MakeTensor({2, 5, 2}, kept);
  *request.mutable_ids_restore() = MakeTensor<std::int64_t>({2, 4}, {2, 0, 3, 1, 3, 2, 1, 0});
  *request.mutable_fill() = MakeTensor<float>({2}, {-1, -2});
  request.set_num_prefix(2);
  return request;
}

TEST_P(TensorServiceTest, RestoreTokensPutsThemBack) {
  const auto [status, response] =
      Call(served_.stub(), &v1::MaskingService::Stub::RestoreTokens, GoodRestore());
  ASSERT_TRUE(status.ok()) << status.error_message();
  ExpectTensor(response.tokens(),
               MakeTensor<float>({2, 6, 2}, {0,  1,  2,  3,  8,  9,  4,  5,  -1, -2, 6,  7,
                                             10, 11, 12, 13, -1, -2, 18, 19, 16, 17, 14, 15}));
}

TEST_P(TensorServiceTest, RestoreTokensRefusesWhatIsNoPermutation) {
  v1::RestoreTokensRequest request = GoodRestore();
  *request.mutable_ids_restore() = MakeTensor<std::int64_t>({2, 4}, {2, 0, 3, 1, 3, 2, 2, 0});
  const auto [status, response] = Call(served_.stub(), &v1::MaskingService::Stub::RestoreTokens, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("ids_restore[1, 2] is 2"));
}

// The mean over two removed patches of two elements: ((1 + 9) / 2 + (16 + 0) / 2) / 2.
TEST_P(TensorServiceTest, MaskedReconstructionLossIsTheMeanOverRemovedPatches) {
  v1::MaskedReconstructionLossRequest request;
  *request.mutable_prediction() = MakeTensor<float>({1, 3, 2}, {1, 3, 7, 7, 4, 0});
  *request.mutable_target() = MakeTensor<float>({1, 3, 2}, {0, 0, 0, 0, 0, 0});
  *request.mutable_mask() = MakeTensor<float>({1, 3}, {1, 0, 1});
  const auto [status, response] = Call(*stub_, &v1::TensorService::Stub::MaskedReconstructionLoss, request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.loss(), 6.5);
  EXPECT_EQ(response.count(), 2);
}

TEST_P(TensorServiceTest, RowsOfAnIndexOfFewerDimensions) {
  v1::GatherRequest request;
  *request.mutable_input() = MakeTensor<float>({1, 3, 2}, {0, 1, 2, 3, 4, 5});
  *request.mutable_index() = MakeTensor<std::int64_t>({1, 2}, {2, 0});
  request.set_dim(-1);
  const auto [refused, none] = Call(*stub_, &v1::TensorService::Stub::Gather, request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("index_rank"));
  request.set_index_rank(2);
  const auto [status, response] = Call(*stub_, &v1::TensorService::Stub::Gather, request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ExpectTensor(response.output(), MakeTensor<float>({1, 2, 2}, {4, 5, 0, 1}));
}

TEST_P(TensorServiceTest, ScatterAddSumsRepeatedPlaces) {
  v1::ScatterRequest request;
  *request.mutable_input() = MakeTensor<float>({3}, {1, 2, 3});
  *request.mutable_index() = MakeTensor<std::int64_t>({4}, {0, 2, 0, 0});
  *request.mutable_src() = MakeTensor<float>({4}, {10, 20, 30, 40});
  const auto [status, response] = Call(*stub_, &v1::TensorService::Stub::ScatterAdd, request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ExpectTensor(response.output(), MakeTensor<float>({3}, {81, 2, 23}));
}

// Larger than what comes in one slice, of a size that no word divides.
TEST_P(TensorServiceTest, LargeRowsOfOddSize) {
  constexpr std::int64_t kRows = 5000;
  constexpr std::int64_t kColumns = 301;
  std::vector<std::uint8_t> input(kRows * kColumns);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::uint8_t>(i * 37 % 251);
  std::vector<std::int64_t> index(kRows);
  std::vector<std::uint8_t> expected;
  for (std::int64_t k = 0; k < kRows; ++k) {
    index[static_cast<std::size_t>(k)] = k * 1237 % kRows;
    const auto row = input.begin() + k * 1237 % kRows * kColumns;
    expected.insert(expected.end(), row, row + kColumns);
  }
  v1::GatherRequest request;
  *request.mutable_input() = MakeTensor({kRows, kColumns}, input);
  *request.mutable_index() = MakeTensor({kRows}, index);
  request.set_index_rank(1);
  const auto [status, response] = Call(*stub_, &v1::TensorService::Stub::Gather, request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ExpectTensor(response.output(), MakeTensor({kRows, kColumns}, expected));
}

TEST_P(TensorServiceTest, NothingToMoveIsNoError) {
  v1::GatherRequest request;
  *request.mutable_input() = MakeTensor<float>({2, 3}, {0, 1, 2, 3, 4, 5});
  *request.mutable_index() = MakeTensor<std::int64_t>({2, 0}, {});
  request.set_dim(1);
  const auto [status, response] = Call(*stub_, &v1::TensorService::Stub::Gather, request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ExpectTensor(response.output(), MakeTensor<float>({2, 0}, {}));

  v1::MaskedSelectRequest select;
  *select.mutable_input() = MakeTensor<float>({2}, {1, 2});
  *select.mutable_mask() = MakeTensor<float>({2}, {0, 0});
  const auto [selected, none] = Call(*stub_, &v1::TensorService::Stub::MaskedSelect, select);
  ASSERT_TRUE(selected.ok()) << selected.error_message();
  ExpectTensor(none.selected(), MakeTensor<float>({0}, {}));
}

struct BadGather {
  std::string name;
  void (*spoil)(v1::GatherRequest& request);
  std::string message;
};

class BadGatherTest : public testing::TestWithParam<BadGather> {};

TEST_P(BadGatherTest, IsInvalidAndSaysWhy) {
  const ServedMasker served(MakeReferenceMasker());
  const auto stub = v1::TensorService::NewStub(served.channel());
  v1::GatherRequest request;
  *request.mutable_input() = MakeTensor<float>({2, 3}, {0, 1, 2, 3, 4, 5});
  *request.mutable_index() = MakeTensor<std::int64_t>({2, 1}, {2, 0});
  request.set_dim(1);
  ASSERT_TRUE(Call(*stub, &v1::TensorService::Stub::Gather, request).first.ok());
  GetParam().spoil(request);
  const auto [status, response] = Call(*stub, &v1::TensorService::Stub::Gather, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Rules, BadGatherTest,
    testing::Values(
        BadGather{"IndexTooLarge",
                  [](v1::GatherRequest& request) {
                    *request.mutable_index() = MakeTensor<std::int64_t>({2, 1}, {2, 3});
                  },
                  "index[1, 0] is 3"},
        BadGather{"IndexNegative",
                  [](v1::GatherRequest& request) {
                    *request.mutable_index() = MakeTensor<std::int64_t>({2, 1}, {-1, 0});
                  },
                  "index[0, 0] is -1"},
        BadGather{"IndexOfFloats",
                  [](v1::GatherRequest& request) {
                    *request.mutable_index() = MakeTensor<float>({2, 1}, {1, 0});
                  },
                  "index.element_type is ELEMENT_TYPE_FLOAT32"},
        BadGather{"DimBeyondTheEnd", [](v1::GatherRequest& request) { request.set_dim(2); }, "dim is 2"},
        BadGather{"DimBeforeTheBeginning", [](v1::GatherRequest& request) { request.set_dim(-3); },
                  "dim is -3"},
        BadGather{"MoreRowsThanTheInput",
                  [](v1::GatherRequest& request) {
                    *request.mutable_index() = MakeTensor<std::int64_t>({3, 1}, {0, 0, 0});
                  },
                  "3 is more than 2"},
        BadGather{"DataTooShort",
                  [](v1::GatherRequest& request) { request.mutable_input()->mutable_data()->pop_back(); },
                  "input has 23 bytes"},
        BadGather{"SizeNegative",
                  [](v1::GatherRequest& request) { request.mutable_input()->set_shape(0, -2); }, "[-2, 3]"},
        BadGather{
            "SizesOverflow",
            [](v1::GatherRequest& request) { request.mutable_input()->set_shape(0, std::int64_t{1} << 62); },
            "4611686018427387904"},
        BadGather{"NoType",
                  [](v1::GatherRequest& request) {
                    request.mutable_input()->set_element_type(v1::ELEMENT_TYPE_UNSPECIFIED);
                  },
                  "element_bytes is 0"},
        BadGather{"PackedBits",
                  [](v1::GatherRequest& request) {
                    request.mutable_input()->set_element_type(v1::ELEMENT_TYPE_PACKED_BITS);
                  },
                  "PACKED_BITS"}),
    [](const auto& test) { return test.param.name; });

TEST(TensorLimitsTest, ResponseOverTheBoundIsRefused) {
  Limits limits;
  limits.max_message_bytes = 100'000;
  const ServedMasker served(MakeReferenceMasker(), Transport::kLoopback, limits);
  const auto stub = v1::TensorService::NewStub(served.channel());
  v1::PadSequencesRequest request;
  *request.mutable_values() = MakeTensor<float>({1}, {1});
  request.add_lengths(1);
  request.set_padded_length(std::int64_t{1} << 40);
  const auto [status, response] = Call(*stub, &v1::TensorService::Stub::PadSequences, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("--max_message_bytes"));
}

}  // namespace
}  // namespace maskd
