// The client against streams that answer with something else than was asked for:
// INTERNAL, and never memory that is not the caller's.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "client/masking_client.h"
#include "tests/end_to_end/guarded_call.h"
#include "tests/end_to_end/scripted_service.h"

namespace maskd {
namespace {

using Part = v1::StreamRandomMaskingResponse;
using Parts = ScriptedService::Parts;

struct Lie {
  const char* name;
  void (*tell)(Parts& parts);
};

std::ostream& operator<<(std::ostream& out, const Lie& lie) { return out << lie.name; }

v1::Tensor& Mask(Part& part) { return *part.mutable_masking()->mutable_mask(); }

const Lie kLies[] = {
    {"NoParts", [](Parts& p) { p.clear(); }},
    {"EndsOnePartEarly", [](Parts& p) { p.pop_back(); }},
    {"FirstPartMissing", [](Parts& p) { p.erase(p.begin()); }},
    {"MiddlePartMissing", [](Parts& p) { p.erase(p.begin() + 1); }},
    {"OutOfOrder", [](Parts& p) { std::swap(p[1], p[2]); }},
    {"PartTwice", [](Parts& p) { p.insert(p.begin() + 1, Part(p[1])); }},
    {"LastPartTwice", [](Parts& p) { p.push_back(Part(p.back())); }},
    {"PartBeyondTheEnd", [](Parts& p) { p.push_back(Part(p.back())), p.back().set_first_sample(4); }},
    {"PartOfAnotherBatchAfterTheEnd",
     [](Parts& p) {
       p.push_back(Part(p[0]));
       p.back().set_batch_index(1);
     }},
    {"EmptyPartAfterTheEnd", [](Parts& p) { p.emplace_back(); }},
    {"EmptyPartFirst", [](Parts& p) { p.insert(p.begin(), Part()); }},
    {"OtherBatchIndex", [](Parts& p) { p[0].set_batch_index(1); }},
    {"OtherBatchIndexLater", [](Parts& p) { p[3].set_batch_index(1); }},
    {"NegativeBatchIndex", [](Parts& p) { p[0].set_batch_index(-1); }},
    {"OneSampleMoreThanTensors", [](Parts& p) { p[0].set_num_samples(2); }},
    {"OneSampleMoreThanTheBatch", [](Parts& p) { p[3].set_num_samples(2); }},
    {"HugeNumSamples", [](Parts& p) { p[1].set_num_samples(INT64_MAX); }},
    {"NumSamplesThatWraps", [](Parts& p) { p[1].set_num_samples(std::int64_t{1} << 62); }},
    {"NoSamples", [](Parts& p) { p[0].set_num_samples(0); }},
    {"NegativeNumSamples", [](Parts& p) { p[1].set_num_samples(-1); }},
    {"NegativeFirstSample", [](Parts& p) { p[0].set_first_sample(-1); }},
    {"HugeFirstSample", [](Parts& p) { p[3].set_first_sample(INT64_MAX); }},
    {"KeptTokensMissing", [](Parts& p) { p[2].clear_kept_tokens(); }},
    {"KeptTokensShort", [](Parts& p) { p[2].mutable_kept_tokens()->pop_back(); }},
    {"KeptTokensLong", [](Parts& p) { p[3].mutable_kept_tokens()->append(1000, 'x'); }},
    {"MaskingMissing", [](Parts& p) { p[0].clear_masking(); }},
    {"MaskMissing", [](Parts& p) { p[1].mutable_masking()->clear_mask(); }},
    {"MaskShort", [](Parts& p) { Mask(p[1]).mutable_data()->pop_back(); }},
    {"MaskOfTwoSamples",
     [](Parts& p) {
       Mask(p[3]).mutable_data()->append(Mask(p[0]).data());
       Mask(p[3]).set_shape(0, 2);
     }},
    {"IdsKeepLong",
     [](Parts& p) { p[3].mutable_masking()->mutable_ids_keep()->mutable_data()->append(4096, 'x'); }},
    {"NoiseShort", [](Parts& p) { p[0].mutable_masking()->mutable_noise()->mutable_data()->resize(4); }},
    {"NumKeepOther", [](Parts& p) { p[0].mutable_masking()->set_num_keep(3); }},
    {"NumKeepOtherLater", [](Parts& p) { p[2].mutable_masking()->set_num_keep(3); }},
    {"IdsOfOtherType",
     [](Parts& p) {
       v1::Tensor& ids = *p[0].mutable_masking()->mutable_ids_restore();
       ids.set_element_type(v1::ELEMENT_TYPE_INT32);
       ids.mutable_data()->resize(8 * 4);
     }},
};

class LyingStreamTest : public ::testing::TestWithParam<Lie> {};

TEST_P(LyingStreamTest, IsInternal) {
  ScriptedService service({.change = GetParam().tell});
  const ServedService served(service);
  const auto client = MaskingClient::Connect(served.address(), {.stream_from_bytes = 0}).value();
  const absl::Status status = CallIntoGuarded(*client, PreparedCase(kFourSamples), nullptr);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_FALSE(status.message().empty());
}

std::string LieName(const ::testing::TestParamInfo<Lie>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Answers, LyingStreamTest, ::testing::ValuesIn(kLies), LieName);

// The lies above are what fails, not the service that tells them.
TEST(HonestStreamTest, IsBelieved) {
  ScriptedService service({});
  const ServedService served(service);
  const auto client = MaskingClient::Connect(served.address(), {.stream_from_bytes = 0}).value();
  ExpectReferenceResults(*client, kFourSamples);
}

// Sends one message of bytes that are no part, and ends with OK.
class GarbageService final
    : public v1::MaskingService::WithRawCallbackMethod_StreamRandomMasking<v1::MaskingService::Service> {
 public:
  explicit GarbageService(std::string garbage) : garbage_(std::move(garbage)) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StreamRandomMasking(
      grpc::CallbackServerContext*) override {
    return new Reactor(garbage_);
  }

 private:
  class Reactor final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
   public:
    explicit Reactor(const std::string& garbage) {
      const grpc::Slice slice(garbage);
      message_ = grpc::ByteBuffer(&slice, 1);
      StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
    }
    void OnDone() override { delete this; }

   private:
    grpc::ByteBuffer message_;
  };

  const std::string garbage_;
};

TEST(GarbageStreamTest, IsInternal) {
  for (const std::string& garbage : {std::string(), std::string(1000, '\xff'), std::string("no part")}) {
    GarbageService service(garbage);
    const ServedService served(service);
    const auto client = MaskingClient::Connect(served.address(), {.stream_from_bytes = 0}).value();
    const absl::Status status = CallIntoGuarded(*client, PreparedCase(kFourSamples), nullptr);
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << garbage.size() << " bytes: " << status;
  }
}

}  // namespace
}  // namespace maskd
