// What is too much: messages, responses, batches, lies about size, compression.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "kernels/masker.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;

constexpr std::int64_t kSmallBound = 64 << 10;

grpc::Status Call(const ServedMasker& served, const v1::RandomMaskingRequest& request) {
  grpc::ClientContext context;
  v1::RandomMaskingResponse response;
  return served.stub().RandomMasking(&context, request, &response);
}

grpc::Status Call(const ServedMasker& served, const v1::GenerateMaskRequest& request) {
  grpc::ClientContext context;
  v1::GenerateMaskResponse response;
  return served.stub().GenerateMask(&context, request, &response);
}

void ExpectAnswers(const ServedMasker& served) {
  const grpc::Status status = Call(served, GoodRandomMasking());
  EXPECT_TRUE(status.ok()) << status.error_message();
}

// One byte a token, and `length` of them, of which one is kept.
v1::RandomMaskingRequest RequestOfLength(std::int64_t length) {
  v1::RandomMaskingRequest request = GoodRandomMasking();
  request.mutable_layout()->set_batch_size(1);
  request.mutable_layout()->set_sequence_length(length);
  request.mutable_layout()->set_token_dim(1);
  request.mutable_layout()->set_element_bytes(1);
  request.mutable_spec()->set_num_keep(1);
  request.mutable_selection()->add_results(v1::MASKING_RESULT_KEPT_TOKENS);
  request.set_tokens(std::string(static_cast<std::size_t>(length), 'x'));
  return request;
}

class MessageBoundTest : public ::testing::TestWithParam<Transport> {};

TEST_P(MessageBoundTest, RequestOverTheBoundIsRefused) {
  v1::RandomMaskingRequest request = RequestOfLength(60000);
  const auto bytes = static_cast<std::int64_t>(request.ByteSizeLong());
  const ServedMasker exact(MakeCpuMasker(1), GetParam(), {.max_message_bytes = bytes});
  const grpc::Status taken = Call(exact, request);
  EXPECT_TRUE(taken.ok()) << "a request of exactly the bound: " << taken.error_message();

  const ServedMasker short_of_one(MakeCpuMasker(1), GetParam(), {.max_message_bytes = bytes - 1});
  const grpc::Status refused = Call(short_of_one, request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << refused.error_message();
  EXPECT_THAT(refused.error_message(),
              AllOf(HasSubstr(std::to_string(bytes)), HasSubstr(std::to_string(bytes - 1))));
  ExpectAnswers(short_of_one);
}

INSTANTIATE_TEST_SUITE_P(Transports, MessageBoundTest,
                         ::testing::Values(Transport::kLoopback, Transport::kUnixSocket), NameOfTransport);

TEST(ResponseBoundTest, ResponseOverTheBoundIsRefused) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback, {.max_message_bytes = kSmallBound});
  v1::GenerateMaskRequest request = GoodGenerateMask();
  request.mutable_layout()->set_batch_size(100);
  request.mutable_layout()->set_sequence_length(196);
  const grpc::Status status = Call(served, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("response"), HasSubstr(std::to_string(kSmallBound))));
  request.mutable_selection()->add_results(v1::MASKING_RESULT_MASK);
  request.mutable_selection()->set_mask_type(v1::MASK_TYPE_PACKED_BITS);
  const grpc::Status smaller = Call(served, request);
  EXPECT_TRUE(smaller.ok()) << smaller.error_message();
}

// Bounds that no int holds must not wrap to small ones, or to none.
TEST(MessageBoundOver2GibTest, StillAnswers) {
  for (const std::int64_t bound : {std::int64_t{1} << 31, (std::int64_t{1} << 32) + 8, INT64_MAX}) {
    ExpectAnswers(ServedMasker(MakeCpuMasker(1), Transport::kLoopback, {.max_message_bytes = bound}));
  }
}

TEST(BatchTokensBoundTest, IsExact) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kInProcess, {.max_batch_tokens = 16});
  ExpectAnswers(served);
  v1::GenerateMaskRequest request = GoodGenerateMask();
  request.mutable_layout()->set_batch_size(17);
  request.mutable_layout()->set_sequence_length(1);
  request.mutable_spec()->set_num_keep(1);
  const grpc::Status status = Call(served, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("batch_size"), HasSubstr("17"), HasSubstr("16")));
  ExpectAnswers(served);
}

TEST(ServerInfoTest, SaysTheBoundsThatWereGiven) {
  const ServedMasker served(MakeReferenceMasker(), Transport::kInProcess,
                            {.max_message_bytes = 12345678, .max_batch_tokens = 4321});
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(served.stub().GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.limits().max_message_bytes(), 12345678);
  EXPECT_EQ(info.limits().max_batch_tokens(), 4321);
  EXPECT_EQ(info.backend(), "reference");
}

// ---- Lies: a small message that claims to be huge.

// Peak of this process's resident memory since ResetPeakMemory, in KiB.
std::int64_t PeakMemoryKib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmHWM:") continue;
    std::int64_t kib = 0;
    status >> kib;
    return kib;
  }
  ADD_FAILURE() << "/proc/self/status has no VmHWM";
  return 0;
}

void ResetPeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

struct Lie {
  const char* name;
  std::int64_t batch_size, sequence_length, token_dim;
};

std::ostream& operator<<(std::ostream& out, const Lie& lie) { return out << lie.name; }

constexpr std::int64_t kTwoTo40 = std::int64_t{1} << 40;

class LieTest : public ::testing::TestWithParam<Lie> {};

TEST_P(LieTest, IsRefusedAtOnceAndWithoutMemory) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  ExpectAnswers(served);
  v1::RandomMaskingRequest request = GoodRandomMasking();
  request.mutable_layout()->set_batch_size(GetParam().batch_size);
  request.mutable_layout()->set_sequence_length(GetParam().sequence_length);
  request.mutable_layout()->set_token_dim(GetParam().token_dim);
  v1::GenerateMaskRequest without_tokens;
  *without_tokens.mutable_layout() = request.layout();
  *without_tokens.mutable_spec() = request.spec();

  ResetPeakMemory();
  const std::int64_t before = PeakMemoryKib();
  for (int i = 0; i < 10; ++i) {
    const grpc::Status status = Call(served, request);
    EXPECT_THAT(status.error_code(), AnyOf(Eq(grpc::INVALID_ARGUMENT), Eq(grpc::RESOURCE_EXHAUSTED)))
        << status.error_message();
    if (GetParam().batch_size * GetParam().sequence_length <= Limits{}.max_batch_tokens) continue;
    const grpc::Status generated = Call(served, without_tokens);
    EXPECT_THAT(generated.error_code(), AnyOf(Eq(grpc::INVALID_ARGUMENT), Eq(grpc::RESOURCE_EXHAUSTED)))
        << generated.error_message();
  }
  EXPECT_LT(PeakMemoryKib() - before, 64 << 10);
  ExpectAnswers(served);
}

std::string LieName(const ::testing::TestParamInfo<Lie>& info) { return info.param.name; }

constexpr Lie kLies[] = {
    {"HugeBatch", kTwoTo40, 196, 768},         {"HugeBatchOfOneToken", kTwoTo40, 1, 1},
    {"LongestSequences", 1 << 14, 1 << 24, 1}, {"HugeTokens", 1, 196, kTwoTo40},
    {"HugeInAll", 1 << 20, 1 << 20, 1 << 20},
};

INSTANTIATE_TEST_SUITE_P(Layouts, LieTest, ::testing::ValuesIn(kLies), LieName);

// ---- Compression is off: a small message could become a large one.

class CompressionTest : public ::testing::TestWithParam<grpc_compression_algorithm> {};

TEST_P(CompressionTest, CompressedRequestIsRefused) {
  const ServedMasker served(MakeCpuMasker(1), Transport::kLoopback);
  const v1::RandomMaskingRequest request = RequestOfLength(1 << 20);  // compresses well
  EXPECT_TRUE(Call(served, request).ok());
  grpc::ClientContext context;
  context.set_compression_algorithm(GetParam());
  v1::RandomMaskingResponse response;
  const grpc::Status status = served.stub().RandomMasking(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << status.error_message();
  ExpectAnswers(served);
}

std::string AlgorithmName(const ::testing::TestParamInfo<grpc_compression_algorithm>& info) {
  return info.param == GRPC_COMPRESS_GZIP ? "Gzip" : "Deflate";
}

INSTANTIATE_TEST_SUITE_P(Algorithms, CompressionTest,
                         ::testing::Values(GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE), AlgorithmName);

}  // namespace
}  // namespace maskd
