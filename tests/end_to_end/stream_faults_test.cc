// Streams that lie: the right code, a message that names the problem, the budget
// given back, and a server that answers the next call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/masker.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/raw_stream.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/streamed_batches.h"

namespace maskd {
namespace {

using ::testing::HasSubstr;

// ---- Messages that must not come.

struct Fault {
  const char* name;
  std::function<StreamMessages()> messages;
  std::vector<std::string> words;  // of the message
  std::size_t good_batches = 0;    // that come first, and are answered
};

std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.name; }

// The messages of the good batch, its tokens changed.
StreamMessages GoodBatchWith(void (*change)(std::string& tokens)) {
  v1::RandomMaskingRequest request = GoodRandomMasking();
  change(*request.mutable_tokens());
  return MessagesOf(request, 64);
}

StreamMessages BatchWithSpec(void (*change)(v1::RandomMaskingRequest& request)) {
  v1::RandomMaskingRequest request = GoodRandomMasking();
  change(request);
  return MessagesOf(request, 64);
}

StreamMessages Together(StreamMessages first, const StreamMessages& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

StreamMessages GoodBatch() { return MessagesOf(GoodRandomMasking(), 64); }

const Fault kFaults[] = {
    {"TokensWithoutHeader", [] { return StreamMessages{TokensMessage("abc")}; }, {"tokens", "batch"}},
    {"HeaderInsideABatch",
     [] {
       return Together({HeaderMessage(GoodRandomMasking()), TokensMessage(std::string(191, 'x'))},
                       GoodBatch());
     },
     {"header", "tokens"}},
    {"HeaderBeforeAnyToken",
     [] {
       return StreamMessages{HeaderMessage(GoodRandomMasking()), HeaderMessage(GoodRandomMasking())};
     },
     {"header", "tokens", "192"}},
    {"OneByteTooMany", [] { return GoodBatchWith([](std::string& tokens) { tokens += 'x'; }); }, {"tokens"}},
    {"OneByteTooManyInOneMessage",
     [] {
       v1::StreamRandomMaskingRequest message = HeaderMessage(GoodRandomMasking());
       message.set_tokens(std::string(193, 'x'));
       return StreamMessages{message};
     },
     {"tokens"}},
    {"ManyBytesTooMany",
     [] {
       return StreamMessages{HeaderMessage(GoodRandomMasking()), TokensMessage(std::string(1 << 20, 'x'))};
     },
     {"tokens"}},
    {"TokensAfterTheBatch", [] { return Together(GoodBatch(), {TokensMessage("x")}); }, {"tokens"}, 1},
    {"EndsInsideABatch",
     [] { return GoodBatchWith([](std::string& tokens) { tokens.pop_back(); }); },
     {"tokens", "192"}},
    {"EndsAfterAHeader",
     [] { return StreamMessages{HeaderMessage(GoodRandomMasking())}; },
     {"tokens", "192"}},
    {"EndsInsideTheSecondBatch",
     [] {
       return Together(GoodBatch(), {HeaderMessage(GoodRandomMasking()), TokensMessage("x")});
     },
     {"tokens", "192"},
     1},
    {"RatioOfOne",
     [] { return BatchWithSpec([](auto& r) { r.mutable_spec()->set_mask_ratio(1.0); }); },
     {"mask_ratio", "1"}},
    {"NoiseOneByteShort",
     [] {
       return BatchWithSpec(
           [](auto& r) { r.mutable_spec()->mutable_provided()->set_noise(std::string(63, 0)); });
     },
     {"noise", "63", "64"}},
    {"UnknownResult",
     [] { return BatchWithSpec([](auto& r) { r.mutable_selection()->add_results(v1::MaskingResult(77)); }); },
     {"results", "77"}},
    {"NoLayout", [] { return BatchWithSpec([](auto& r) { r.clear_layout(); }); }, {"batch_size", "0"}},
    {"SizeOverflows",
     [] {
       return BatchWithSpec([](auto& r) {
         r.mutable_layout()->set_batch_size(INT64_MAX);
         r.mutable_layout()->set_token_dim(INT64_MAX);
       });
     },
     {"9223372036854775807"}},
    {"BadSpecAfterAGoodBatch",
     [] { return Together(GoodBatch(), BatchWithSpec([](auto& r) { r.mutable_spec()->set_num_keep(9); })); },
     {"num_keep", "9"},
     1},
};

class StreamFaultTest : public ::testing::TestWithParam<Fault> {};

TEST_P(StreamFaultTest, IsInvalidAndSaysWhy) {
  const ServedMasker served(MakeCpuMasker(2), Transport::kLoopback);
  const StreamAnswer answer = StreamAll(served.stub(), GetParam().messages());
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << answer.status.error_message();
  for (const std::string& word : GetParam().words)
    EXPECT_THAT(answer.status.error_message(), HasSubstr(word));
  EXPECT_TRUE(answer.status.error_details().empty()) << "advises to retry";
  // Parts of the bad batch may have come too.
  std::int64_t samples = 0;
  for (const v1::StreamRandomMaskingResponse& part : answer.parts) {
    if (part.batch_index() < static_cast<std::int64_t>(GetParam().good_batches))
      samples += part.num_samples();
  }
  EXPECT_EQ(samples, static_cast<std::int64_t>(2 * GetParam().good_batches)) << "of the batches before";
  ExpectBudgetReturns(served.server());
  ExpectAnswers(served);
}

std::string FaultName(const ::testing::TestParamInfo<Fault>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Faults, StreamFaultTest, ::testing::ValuesIn(kFaults), FaultName);

// ---- Bytes.

class RawStreamTest : public ::testing::Test {
 protected:
  void TearDown() override {
    ExpectBudgetReturns(served_.server());
    ExpectAnswers(served_);
  }

  ServedMasker served_{MakeCpuMasker(2), Transport::kLoopback};
};

TEST_F(RawStreamTest, NoProtobufIsInvalid) {
  const std::string header = HeaderMessage(GoodRandomMasking()).SerializeAsString();
  const std::string message = GoodRandomMasking().SerializeAsString();
  for (const std::string& bad :
       {std::string(100, '\xff'), std::string(1, '\x0a'), std::string("no message"),
        header.substr(0, header.size() - 1), message.substr(0, message.size() - 1)}) {
    for (const char* const method : {"StreamRandomMasking", "RandomMasking", "GenerateMask"}) {
      SCOPED_TRACE(std::string(method) + " of " + std::to_string(bad.size()) + " bytes");
      RawStream stream(served_.channel(), method);
      stream.Write(bad);
      stream.WritesDone();
      const grpc::Status status = stream.Finish();
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
      EXPECT_FALSE(status.error_message().empty());
    }
  }
}

TEST_F(RawStreamTest, NoProtobufInsideABatchIsInvalid) {
  RawStream stream(served_.channel(), "StreamRandomMasking");
  ASSERT_TRUE(stream.Write(HeaderMessage(GoodRandomMasking()).SerializeAsString()));
  stream.Write(std::string(100, '\xff'));
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
}

// Of a payload that comes twice the last counts, unknown fields are passed over,
// and fields may come in any order.
TEST_F(RawStreamTest, EverySerializationMeansWhatItMeansToProtobuf) {
  const v1::RandomMaskingRequest request = GoodRandomMasking();
  const std::string unknown =
      "\xfa\x7f\x03"
      "abc";  // field 2047
  RawStream stream(served_.channel(), "StreamRandomMasking");
  ASSERT_TRUE(stream.Write(TokensMessage("overwritten").SerializeAsString() + unknown +
                           TokensMessage(request.tokens()).SerializeAsString() +
                           HeaderMessage(request).SerializeAsString() + unknown));
  stream.WritesDone();
  StreamAnswer answer;
  for (std::string bytes; stream.Read(&bytes);) {
    answer.parts.emplace_back();
    ASSERT_TRUE(answer.parts.back().ParseFromString(bytes));
  }
  answer.status = stream.Finish();
  ExpectUnaryResults(served_.stub(), {request}, answer);
}

}  // namespace
}  // namespace maskd
