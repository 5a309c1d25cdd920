// Responses are laid out without protobuf: the bytes have to be its bytes.
#include "server/encode_response.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "maskd/v1/masking_service.pb.h"

namespace maskd {
namespace {

constexpr TokenType kTokenType{.token_dim = 3, .element_bytes = 4};

std::span<std::byte> Result(std::byte* data, std::int64_t size) {
  return {data, data == nullptr ? 0 : static_cast<std::size_t>(size)};
}

// Writes the results of `plan`, each of bytes of its own.
void WriteResults(const MaskingPlan& plan, const MaskingBuffers& results) {
  const ResultBytes& bytes = plan.result_bytes;
  int value = 1;
  for (const std::span<std::byte> result :
       {Result(results.mask, bytes.mask), Result(results.ids_restore, bytes.ids_restore),
        Result(results.ids_keep, bytes.ids_keep), Result(results.ids_mask, bytes.ids_mask),
        Result(results.noise, bytes.noise), Result(results.kept_tokens, bytes.kept_tokens)}) {
    std::ranges::fill(result, static_cast<std::byte>(value++));
  }
}

void ExpectTensor(const v1::Tensor& tensor, bool selected, v1::ElementType type, std::int64_t length,
                  std::int64_t bytes, int value) {
  v1::Tensor expected;
  if (selected) {
    expected.set_element_type(type);
    expected.add_shape(2);
    expected.add_shape(length);
    expected.set_data(std::string(static_cast<std::size_t>(bytes), static_cast<char>(value)));
  }
  EXPECT_EQ(tensor.SerializeAsString(), expected.SerializeAsString());
}

void ExpectMasking(const v1::Masking& masking, const MaskingPlan& plan) {
  const ResultSelection& selected = plan.selection;
  const ResultBytes& bytes = plan.result_bytes;
  EXPECT_EQ(masking.num_keep(), plan.num_keep);
  EXPECT_EQ(masking.algorithm_version(), kAlgorithmVersion);
  EXPECT_EQ(masking.seed(), plan.seed);
  EXPECT_EQ(masking.epoch(), plan.epoch);
  EXPECT_EQ(masking.mask_index(), plan.mask_index);
  EXPECT_EQ(masking.backend(), "cpu");
  const v1::ElementType ids = v1::ELEMENT_TYPE_UINT16;
  ExpectTensor(masking.mask(), selected.mask, v1::ELEMENT_TYPE_UINT8, 196, bytes.mask, 1);
  ExpectTensor(masking.ids_restore(), selected.ids_restore, ids, 196, bytes.ids_restore, 2);
  ExpectTensor(masking.ids_keep(), selected.ids_keep, ids, 49, bytes.ids_keep, 3);
  ExpectTensor(masking.ids_mask(), selected.ids_mask, ids, 147, bytes.ids_mask, 4);
  ExpectTensor(masking.noise(), selected.noise, v1::ELEMENT_TYPE_FLOAT32, 196, bytes.noise, 5);
}

template <typename Response>
Response ParseAsProtobufWrites(const MaskingPlan& plan, const ReservedResponse& reserved) {
  WriteResults(plan, reserved.results);
  const std::span<std::byte> bytes = reserved.buffer.bytes();
  const std::string serialized(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Response response;
  EXPECT_TRUE(response.ParseFromString(serialized));
  EXPECT_EQ(response.SerializeAsString(), serialized);
  return response;
}

template <typename Response>
void ExpectKeptTokens(const Response& response, const MaskingPlan& plan) {
  v1::TokenLayout expected;
  if (plan.selection.kept_tokens) {
    expected.set_batch_size(2);
    expected.set_sequence_length(plan.num_keep);
    expected.set_token_dim(kTokenType.token_dim);
    expected.set_element_bytes(kTokenType.element_bytes);
  }
  EXPECT_EQ(response.kept_layout().SerializeAsString(), expected.SerializeAsString());
  EXPECT_EQ(response.kept_tokens(),
            std::string(static_cast<std::size_t>(plan.result_bytes.kept_tokens), '\6'));
}

// The parameter's bits select the results, one besides the kept tokens at least.
class EncodeResponseTest : public ::testing::TestWithParam<int> {
 protected:
  MaskingPlan PlanOf(bool with_tokens) const {
    const auto has = [](int bit) { return (GetParam() >> bit & 1) != 0; };
    MaskingSpec spec{.batch_size = 2, .sequence_length = 196, .mask_ratio = 0.75};
    // Values with all lengths of a varint among them, and none.
    spec.seed = std::numeric_limits<std::uint64_t>::max() >> GetParam();
    spec.epoch = static_cast<decltype(spec.epoch)>(GetParam() * 1000);
    spec.mask_index = static_cast<decltype(spec.mask_index)>(GetParam() % 3);
    spec.selection = {.kept_tokens = with_tokens && has(0),
                      .mask = has(1),
                      .ids_restore = has(2),
                      .ids_keep = has(3),
                      .ids_mask = has(4),
                      .noise = has(5),
                      .ids_type = IdsType::kUint16,
                      .mask_type = MaskType::kUint8};
    if (with_tokens) spec.token_type = kTokenType;
    const absl::StatusOr<MaskingPlan> plan = MakeMaskingPlan(spec);
    EXPECT_TRUE(plan.ok()) << plan.status();
    return *plan;
  }

  ReplyPool pool_{/*max_idle_bytes=*/0};
};

TEST_P(EncodeResponseTest, OfGenerateMask) {
  const MaskingPlan plan = PlanOf(/*with_tokens=*/false);
  const auto response =
      ParseAsProtobufWrites<v1::GenerateMaskResponse>(plan, ReserveGenerateMask(plan, "cpu", pool_));
  ExpectMasking(response.masking(), plan);
}

TEST_P(EncodeResponseTest, OfRandomMasking) {
  const MaskingPlan plan = PlanOf(/*with_tokens=*/true);
  const auto response = ParseAsProtobufWrites<v1::RandomMaskingResponse>(
      plan, ReserveRandomMasking(plan, kTokenType, "cpu", pool_));
  ExpectMasking(response.masking(), plan);
  ExpectKeptTokens(response, plan);
}

TEST_P(EncodeResponseTest, OfAPartOfAStream) {
  const MaskingPlan plan = PlanOf(/*with_tokens=*/true);
  constexpr std::int64_t kFirstSample = std::int64_t{1} << 40;
  const auto response = ParseAsProtobufWrites<v1::StreamRandomMaskingResponse>(
      plan, ReserveStreamPart(plan, kTokenType, GetParam(), kFirstSample, "cpu", pool_));
  EXPECT_EQ(response.batch_index(), GetParam());
  EXPECT_EQ(response.first_sample(), kFirstSample);
  EXPECT_EQ(response.num_samples(), 2);
  ExpectMasking(response.masking(), plan);
  ExpectKeptTokens(response, plan);
}

INSTANTIATE_TEST_SUITE_P(Selections, EncodeResponseTest, ::testing::Range(2, 64));

}  // namespace
}  // namespace maskd
