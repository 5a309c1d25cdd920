// The service, asked with generated stubs over every transport.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/test_maskers.h"

namespace maskd {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
std::vector<T> Values(const v1::Tensor& tensor) {
  std::vector<T> values(tensor.data().size() / sizeof(T));
  std::memcpy(values.data(), tensor.data().data(), values.size() * sizeof(T));
  return values;
}

class ServiceTest : public ::testing::TestWithParam<Transport> {
 protected:
  grpc::Status Call(const v1::RandomMaskingRequest& request, v1::RandomMaskingResponse& response) {
    grpc::ClientContext context;
    return served_.stub().RandomMasking(&context, request, &response);
  }
  grpc::Status Call(const v1::GenerateMaskRequest& request, v1::GenerateMaskResponse& response) {
    grpc::ClientContext context;
    return served_.stub().GenerateMask(&context, request, &response);
  }

  ServedMasker served_{MakeCpuMasker(2), GetParam()};
};

TEST_P(ServiceTest, AbsentSelectionReturnsWhatTheReferenceDoes) {
  const v1::RandomMaskingRequest request = GoodRandomMasking();
  v1::RandomMaskingResponse response;
  const grpc::Status status = Call(request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();

  const v1::Masking& masking = response.masking();
  // The golden case of seed 0 and sample ids 0, 1.
  EXPECT_THAT(Values<std::int64_t>(masking.ids_restore()),
              ElementsAre(2, 6, 5, 3, 7, 1, 4, 0, 2, 6, 4, 0, 3, 5, 7, 1));
  EXPECT_THAT(Values<float>(masking.mask()), ElementsAre(1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0));
  EXPECT_EQ(masking.ids_restore().element_type(), v1::ELEMENT_TYPE_INT64);
  EXPECT_THAT(masking.ids_restore().shape(), ElementsAre(2, 8));
  EXPECT_EQ(masking.mask().element_type(), v1::ELEMENT_TYPE_FLOAT32);
  EXPECT_THAT(masking.mask().shape(), ElementsAre(2, 8));
  EXPECT_FALSE(masking.has_ids_keep());
  EXPECT_FALSE(masking.has_ids_mask());
  EXPECT_FALSE(masking.has_noise());

  const std::string& tokens = request.tokens();
  EXPECT_EQ(response.kept_tokens(), tokens.substr(7 * 12, 12) + tokens.substr(5 * 12, 12) +
                                        tokens.substr((8 + 3) * 12, 12) + tokens.substr((8 + 7) * 12, 12));
}

TEST_P(ServiceTest, ResponseSaysWhatItTakesToRepeatIt) {
  v1::RandomMaskingRequest request = GoodRandomMasking();
  request.mutable_spec()->set_seed(~std::uint64_t{0});
  request.mutable_spec()->set_epoch(16777215);
  request.mutable_spec()->set_mask_index(255);
  v1::RandomMaskingResponse response;
  const grpc::Status status = Call(request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const v1::Masking& masking = response.masking();
  EXPECT_EQ(masking.num_keep(), 2);
  EXPECT_EQ(masking.algorithm_version(), kAlgorithmVersion);
  EXPECT_EQ(masking.seed(), ~std::uint64_t{0});
  EXPECT_EQ(masking.epoch(), 16777215u);
  EXPECT_EQ(masking.mask_index(), 255u);
  EXPECT_EQ(masking.backend(), "cpu");
  EXPECT_EQ(response.kept_layout().batch_size(), 2);
  EXPECT_EQ(response.kept_layout().sequence_length(), 2);
  EXPECT_EQ(response.kept_layout().token_dim(), 3);
  EXPECT_EQ(response.kept_layout().element_bytes(), 4);
}

TEST_P(ServiceTest, EmptySelectionIsAsAbsentAndKeepsItsOptions) {
  v1::RandomMaskingRequest request = GoodRandomMasking();
  request.mutable_selection()->set_ids_type(v1::IDS_TYPE_INT32);
  v1::RandomMaskingResponse response;
  ASSERT_TRUE(Call(request, response).ok());
  EXPECT_EQ(response.masking().ids_restore().element_type(), v1::ELEMENT_TYPE_INT32);
  EXPECT_TRUE(response.masking().has_mask());
  EXPECT_EQ(response.kept_tokens().size(), 2u * 2 * 12);
}

TEST_P(ServiceTest, EveryResultInItsTypeAndShape) {
  v1::RandomMaskingRequest request = GoodRandomMasking();
  v1::ResultSelection& selection = *request.mutable_selection();
  for (int result = 1; result <= 6; ++result) selection.add_results(v1::MaskingResult(result));
  selection.set_ids_type(v1::IDS_TYPE_UINT16);
  selection.set_mask_type(v1::MASK_TYPE_PACKED_BITS);
  selection.set_mask_polarity(v1::MASK_POLARITY_KEPT_IS_ONE);
  selection.set_kept_order(v1::KEPT_ORDER_RASTER);
  v1::RandomMaskingResponse response;
  const grpc::Status status = Call(request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const v1::Masking& masking = response.masking();
  EXPECT_THAT(Values<std::uint16_t>(masking.ids_keep()), ElementsAre(5, 7, 3, 7));
  EXPECT_THAT(Values<std::uint16_t>(masking.ids_mask()), ElementsAre(0, 3, 6, 2, 1, 4, 0, 4, 2, 5, 1, 6));
  EXPECT_EQ(masking.ids_mask().element_type(), v1::ELEMENT_TYPE_UINT16);
  EXPECT_THAT(masking.ids_keep().shape(), ElementsAre(2, 2));
  EXPECT_THAT(masking.ids_mask().shape(), ElementsAre(2, 6));
  EXPECT_EQ(masking.mask().element_type(), v1::ELEMENT_TYPE_PACKED_BITS);
  EXPECT_THAT(masking.mask().shape(), ElementsAre(2, 8)) << "shape counts bits";
  EXPECT_THAT(Values<std::uint8_t>(masking.mask()), ElementsAre(0b10100000, 0b10001000));
  EXPECT_EQ(masking.noise().element_type(), v1::ELEMENT_TYPE_FLOAT32);
  EXPECT_THAT(masking.noise().shape(), ElementsAre(2, 8));
  selection.set_mask_type(v1::MASK_TYPE_UINT8);
  ASSERT_TRUE(Call(request, response).ok());
  EXPECT_EQ(response.masking().mask().element_type(), v1::ELEMENT_TYPE_UINT8);
}

TEST_P(ServiceTest, KeptTokensNeedNotBeSelected) {
  v1::RandomMaskingRequest request = GoodRandomMasking();
  request.mutable_selection()->add_results(v1::MASKING_RESULT_IDS_KEEP);
  v1::RandomMaskingResponse response;
  ASSERT_TRUE(Call(request, response).ok());
  EXPECT_TRUE(response.kept_tokens().empty());
  EXPECT_FALSE(response.masking().has_mask());
  EXPECT_FALSE(response.masking().has_ids_restore());
  EXPECT_THAT(Values<std::int64_t>(response.masking().ids_keep()), ElementsAre(7, 5, 3, 7));
}

TEST_P(ServiceTest, NumKeepZeroGivesEmptyResults) {
  v1::RandomMaskingRequest request = GoodRandomMasking();
  request.mutable_spec()->set_num_keep(0);
  request.mutable_selection()->add_results(v1::MASKING_RESULT_KEPT_TOKENS);
  request.mutable_selection()->add_results(v1::MASKING_RESULT_IDS_KEEP);
  v1::RandomMaskingResponse response;
  const grpc::Status status = Call(request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(response.kept_tokens().empty());
  EXPECT_EQ(response.masking().num_keep(), 0);
  ASSERT_TRUE(response.masking().has_ids_keep());
  EXPECT_THAT(response.masking().ids_keep().shape(), ElementsAre(2, 0));
  EXPECT_EQ(response.kept_layout().sequence_length(), 0);
}

TEST_P(ServiceTest, GenerateMaskDrawsTheMasksOfRandomMasking) {
  v1::RandomMaskingRequest with_tokens = GoodRandomMasking();
  v1::GenerateMaskRequest without = GoodGenerateMask();
  without.mutable_layout()->set_token_dim(-5);  // not read
  without.mutable_layout()->set_element_bytes(99);
  for (int result = 2; result <= 6; ++result) {
    with_tokens.mutable_selection()->add_results(v1::MaskingResult(result));
    without.mutable_selection()->add_results(v1::MaskingResult(result));
  }
  v1::RandomMaskingResponse masked;
  ASSERT_TRUE(Call(with_tokens, masked).ok());
  v1::GenerateMaskResponse generated;
  const grpc::Status status = Call(without, generated);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(MessageDifferencer::Equals(generated.masking(), masked.masking()));
}

TEST_P(ServiceTest, GenerateMaskReturnsMaskAndIdsRestoreIfNothingIsSelected) {
  v1::GenerateMaskResponse response;
  const grpc::Status status = Call(GoodGenerateMask(), response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(response.masking().has_mask());
  EXPECT_TRUE(response.masking().has_ids_restore());
  EXPECT_FALSE(response.masking().has_ids_keep());
  EXPECT_FALSE(response.masking().has_noise());
}

TEST_P(ServiceTest, TheSameRequestGivesTheSameBytes) {
  v1::RandomMaskingResponse first, second;
  ASSERT_TRUE(Call(GoodRandomMasking(), first).ok());
  ASSERT_TRUE(Call(GoodRandomMasking(), second).ok());
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
}

// 38.5 MB up and 9.7 MB down: over every default bound of gRPC.
TEST_P(ServiceTest, VitBaseBatchTravels) {
  v1::RandomMaskingRequest request = GoodRandomMasking();
  request.mutable_layout()->set_batch_size(64);
  request.mutable_layout()->set_sequence_length(196);
  request.mutable_layout()->set_token_dim(768);
  request.set_tokens(std::string(64 * 196 * 768 * 4, 'x'));
  v1::RandomMaskingResponse response;
  const grpc::Status status = Call(request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.kept_tokens(), std::string(64 * 49 * 768 * 4, 'x'));
}

TEST_P(ServiceTest, ServerInfoSaysWhatItIs) {
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(served_.stub().GetServerInfo(&context, {}, &info).ok());
  EXPECT_THAT(info.version(), ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_EQ(info.backend(), "cpu");
  EXPECT_FALSE(info.device_name().empty());
  EXPECT_EQ(info.algorithm_version(), kAlgorithmVersion);
  EXPECT_EQ(info.limits().max_message_bytes(), Limits{}.max_message_bytes);
  EXPECT_EQ(info.limits().max_batch_tokens(), Limits{}.max_batch_tokens);
  EXPECT_EQ(info.limits().max_sequence_length(), 1 << 24);
  EXPECT_EQ(info.limits().max_element_bytes(), 16);
}

INSTANTIATE_TEST_SUITE_P(Transports, ServiceTest,
                         ::testing::Values(Transport::kInProcess, Transport::kLoopback,
                                           Transport::kUnixSocket),
                         NameOfTransport);

TEST(MaskerErrorTest, IsPassedThrough) {
  for (const absl::Status& error :
       {absl::ResourceExhaustedError("the device has no memory for 5 bytes"),
        absl::InternalError("the device fell off the bus"), absl::UnavailableError("the device is gone")}) {
    const ServedMasker served(std::make_unique<FailingMasker>(error));
    grpc::ClientContext context;
    v1::RandomMaskingResponse response;
    const grpc::Status status = served.stub().RandomMasking(&context, GoodRandomMasking(), &response);
    EXPECT_EQ(static_cast<int>(status.error_code()), static_cast<int>(error.code()));
    EXPECT_THAT(status.error_message(), HasSubstr(std::string(error.message())));
    grpc::ClientContext other_context;
    v1::GenerateMaskResponse generated;
    const grpc::Status other = served.stub().GenerateMask(&other_context, GoodGenerateMask(), &generated);
    EXPECT_EQ(static_cast<int>(other.error_code()), static_cast<int>(error.code()));
  }
}

}  // namespace
}  // namespace maskd
