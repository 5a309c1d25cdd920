// Bad input of every sort: the right code, field and value in the message, and
// a server that answers the next call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "kernels/masker.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

using ::testing::HasSubstr;
using Request = v1::RandomMaskingRequest;

struct BadRequest {
  const char* name;
  void (*change)(Request& request);
  const char* field;
  const char* value;
};

std::ostream& operator<<(std::ostream& out, const BadRequest& bad) { return out << bad.name; }

v1::TokenLayout& Layout(Request& r) { return *r.mutable_layout(); }
v1::MaskSpec& Spec(Request& r) { return *r.mutable_spec(); }
v1::ResultSelection& Selection(Request& r) { return *r.mutable_selection(); }

const BadRequest kBadRequests[] = {
    {"Empty", [](Request& r) { r.Clear(); }, "batch_size", "0"},
    {"NoLayout", [](Request& r) { r.clear_layout(); }, "batch_size", "0"},
    {"NoSpec", [](Request& r) { r.clear_spec(); }, "mask_ratio", "num_keep"},
    {"TokensMissing", [](Request& r) { r.clear_tokens(); }, "tokens", "192"},
    {"TokensOneByteShort", [](Request& r) { r.mutable_tokens()->pop_back(); }, "tokens", "191"},
    {"TokensOneByteLong", [](Request& r) { r.mutable_tokens()->push_back('x'); }, "tokens", "193"},
    {"BatchSizeZero", [](Request& r) { Layout(r).set_batch_size(0); }, "batch_size", "0"},
    {"BatchSizeNegative", [](Request& r) { Layout(r).set_batch_size(-2); }, "batch_size", "-2"},
    {"BatchSizeOverflows", [](Request& r) { Layout(r).set_batch_size(INT64_MAX); }, "batch_size",
     "9223372036854775807"},
    {"LengthZero", [](Request& r) { Layout(r).set_sequence_length(0); }, "sequence_length", "0"},
    {"LengthNegative", [](Request& r) { Layout(r).set_sequence_length(INT64_MIN); }, "sequence_length",
     "-9223372036854775808"},
    {"LengthTooLong", [](Request& r) { Layout(r).set_sequence_length(16777217); }, "sequence_length",
     "16777217"},
    {"TokenDimZero", [](Request& r) { Layout(r).set_token_dim(0); }, "token_dim", "0"},
    {"TokenDimOverflows", [](Request& r) { Layout(r).set_token_dim(INT64_MAX); }, "token_dim",
     "9223372036854775807"},
    {"ElementBytesZero", [](Request& r) { Layout(r).set_element_bytes(0); }, "element_bytes", "0"},
    {"ElementBytes17", [](Request& r) { Layout(r).set_element_bytes(17); }, "element_bytes", "17"},
    {"ElementBytesOverflowsInt32", [](Request& r) { Layout(r).set_element_bytes((1ll << 32) + 4); },
     "element_bytes", "4294967300"},
    {"RatioOne", [](Request& r) { Spec(r).set_mask_ratio(1.0); }, "mask_ratio", "1"},
    {"RatioNegative", [](Request& r) { Spec(r).set_mask_ratio(-0.5); }, "mask_ratio", "-0.5"},
    {"RatioNan", [](Request& r) { Spec(r).set_mask_ratio(std::nan("")); }, "mask_ratio", "nan"},
    {"RatioInfinite", [](Request& r) { Spec(r).set_mask_ratio(HUGE_VAL); }, "mask_ratio", "inf"},
    {"RatioKeepsNothing", [](Request& r) { Spec(r).set_mask_ratio(0.99); }, "0.99", "num_keep"},
    {"NumKeepOverLength", [](Request& r) { Spec(r).set_num_keep(9); }, "num_keep", "9"},
    {"NumKeepNegative", [](Request& r) { Spec(r).set_num_keep(-1); }, "num_keep", "-1"},
    {"RuleUnknown", [](Request& r) { Spec(r).set_keep_count_rule(v1::KeepCountRule(99)); }, "keep_count_rule",
     "99"},
    {"SampleIdsEmpty", [](Request& r) { Spec(r).mutable_sample_ids(); }, "sample_ids", "0"},
    {"SampleIdsTooMany", [](Request& r) { Spec(r).mutable_sample_ids()->mutable_ids()->Resize(3, 7); },
     "sample_ids", "3"},
    {"NoiseMissing", [](Request& r) { Spec(r).mutable_provided(); }, "noise", "64"},
    {"NoiseShort", [](Request& r) { Spec(r).mutable_provided()->set_noise(std::string(63, 0)); }, "noise",
     "63"},
    {"NoiseLong", [](Request& r) { Spec(r).mutable_provided()->set_noise(std::string(68, 0)); }, "noise",
     "68"},
    {"DirectionUnknown",
     [](Request& r) {
       Spec(r).mutable_provided()->set_noise(std::string(64, 0));
       Spec(r).mutable_provided()->set_direction(v1::NoiseDirection(5));
     },
     "direction", "5"},
    {"ScaleNan",
     [](Request& r) {
       Spec(r).mutable_provided()->set_noise(std::string(64, 0));
       Spec(r).mutable_provided()->set_seeded_noise_scale(std::nanf(""));
     },
     "seeded_noise_scale", "nan"},
    {"SkipTooLarge", [](Request& r) { Spec(r).mutable_torch_cpu()->set_skip(1u + (1u << 30)); }, "skip",
     "1073741825"},
    {"TorchCudaOfNoDevice", [](Request& r) { Spec(r).mutable_torch_cuda(); }, "multi_processor_count", "0"},
    {"TorchCudaOffsetOdd",
     [](Request& r) {
       Spec(r).mutable_torch_cuda()->set_multi_processor_count(132);
       Spec(r).mutable_torch_cuda()->set_max_threads_per_multi_processor(2048);
       Spec(r).mutable_torch_cuda()->set_offset(2);
     },
     "offset", "2"},
    {"EpochTooLarge", [](Request& r) { Spec(r).set_epoch(1u << 24); }, "epoch", "16777216"},
    {"MaskIndexTooLarge", [](Request& r) { Spec(r).set_mask_index(256); }, "mask_index", "256"},
    {"ResultUnspecified", [](Request& r) { Selection(r).add_results(v1::MASKING_RESULT_UNSPECIFIED); },
     "results", ""},
    {"ResultUnspecifiedBesideAnother",
     [](Request& r) {
       Selection(r).add_results(v1::MASKING_RESULT_MASK);
       Selection(r).add_results(v1::MASKING_RESULT_UNSPECIFIED);
     },
     "results", ""},
    {"ResultUnknown", [](Request& r) { Selection(r).add_results(v1::MaskingResult(7)); }, "results", "7"},
    {"ResultNegative", [](Request& r) { Selection(r).add_results(v1::MaskingResult(-1)); }, "results", "-1"},
    {"KeptOrderUnknown", [](Request& r) { Selection(r).set_kept_order(v1::KeptOrder(2)); }, "kept_order",
     "2"},
    {"IdsTypeUnknown", [](Request& r) { Selection(r).set_ids_type(v1::IdsType(3)); }, "ids_type", "3"},
    {"MaskTypeUnknown", [](Request& r) { Selection(r).set_mask_type(v1::MaskType(-3)); }, "mask_type", "-3"},
    {"PolarityUnknown", [](Request& r) { Selection(r).set_mask_polarity(v1::MaskPolarity(2)); },
     "mask_polarity", "2"},
    {"Uint16OfLongSequence",
     [](Request& r) {
       Layout(r).set_sequence_length(65537);
       r.set_tokens(std::string(2 * 65537 * 12, 0));
       Selection(r).set_ids_type(v1::IDS_TYPE_UINT16);
     },
     "65536", "65537"},
};

class BadRequestTest : public ::testing::TestWithParam<BadRequest> {
 protected:
  void ExpectStillAnswers() {
    grpc::ClientContext context;
    v1::RandomMaskingResponse response;
    const grpc::Status status = served_.stub().RandomMasking(&context, GoodRandomMasking(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.kept_tokens().size(), 48u);
  }

  void ExpectRefused(const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(GetParam().field));
    EXPECT_THAT(status.error_message(), HasSubstr(GetParam().value));
  }

  ServedMasker served_{MakeCpuMasker(1), Transport::kLoopback};
};

std::string BadRequestName(const ::testing::TestParamInfo<BadRequest>& info) { return info.param.name; }

TEST_P(BadRequestTest, IsRefused) {
  Request request = GoodRandomMasking();
  GetParam().change(request);
  grpc::ClientContext context;
  v1::RandomMaskingResponse response;
  ExpectRefused(served_.stub().RandomMasking(&context, request, &response));
  ExpectStillAnswers();
}

INSTANTIATE_TEST_SUITE_P(RandomMasking, BadRequestTest, ::testing::ValuesIn(kBadRequests), BadRequestName);

using BadMaskRequestTest = BadRequestTest;

TEST_P(BadMaskRequestTest, IsRefused) {
  Request with_tokens = GoodRandomMasking();
  GetParam().change(with_tokens);
  v1::GenerateMaskRequest request;
  if (with_tokens.has_layout()) *request.mutable_layout() = with_tokens.layout();
  if (with_tokens.has_spec()) *request.mutable_spec() = with_tokens.spec();
  if (with_tokens.has_selection()) *request.mutable_selection() = with_tokens.selection();
  grpc::ClientContext context;
  v1::GenerateMaskResponse response;
  ExpectRefused(served_.stub().GenerateMask(&context, request, &response));
  ExpectStillAnswers();
}

// Those of the bad requests that are bad without tokens, too.
std::vector<BadRequest> BadMaskRequests() {
  std::vector<BadRequest> requests(std::begin(kBadRequests), std::end(kBadRequests));
  std::erase_if(requests, [](const BadRequest& bad) {
    const std::string field = bad.field;
    return field == "tokens" || field == "token_dim" || field == "element_bytes";
  });
  return requests;
}

INSTANTIATE_TEST_SUITE_P(GenerateMask, BadMaskRequestTest, ::testing::ValuesIn(BadMaskRequests()),
                         BadRequestName);

TEST(GenerateMaskRequestTest, KeptTokensAreRefused) {
  const ServedMasker served(MakeCpuMasker(1));
  v1::GenerateMaskRequest request = GoodGenerateMask();
  request.mutable_selection()->add_results(v1::MASKING_RESULT_MASK);
  request.mutable_selection()->add_results(v1::MASKING_RESULT_KEPT_TOKENS);
  grpc::ClientContext context;
  v1::GenerateMaskResponse response;
  const grpc::Status status = served.stub().GenerateMask(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("results"));
  EXPECT_THAT(status.error_message(), HasSubstr("KEPT_TOKENS"));
}

}  // namespace
}  // namespace maskd
