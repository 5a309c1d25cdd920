// The client against a service that answers with something else than was asked
// for: INTERNAL, and never memory that is not there.
#include <gmock/gmock.h>
#include <grpcpp/health_check_service_interface.h>
#include <gtest/gtest.h>

#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "client/masking_client.h"
#include "kernels/masker.h"
#include "maskd/v1/masking_service.grpc.pb.h"
#include "tests/contract/masking_case.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

// N = 2, L = 8, K = 2, tokens of 3 float32; every result.
MaskingSpec Spec() {
  return {.batch_size = 2,
          .sequence_length = 8,
          .token_type = TokenType{.token_dim = 3, .element_bytes = 4},
          .mask_ratio = 0.75,
          .selection = kAllResults};
}

// Answers as a true server would, then changes the answer.
class LyingService final : public v1::MaskingService::Service {
 public:
  explicit LyingService(void (*lie)(v1::RandomMaskingResponse& response)) : lie_(lie) {}

  grpc::Status RandomMasking(grpc::ServerContext*, const v1::RandomMaskingRequest* request,
                             v1::RandomMaskingResponse* response) override {
    grpc::ClientContext context;
    const grpc::Status status = honest_.stub().RandomMasking(&context, *request, response);
    lie_(*response);
    return status;
  }

  grpc::Status GenerateMask(grpc::ServerContext*, const v1::GenerateMaskRequest* request,
                            v1::GenerateMaskResponse* response) override {
    grpc::ClientContext context;
    const grpc::Status status = honest_.stub().GenerateMask(&context, *request, response);
    v1::RandomMaskingResponse whole;
    whole.mutable_masking()->Swap(response->mutable_masking());
    lie_(whole);
    if (whole.has_masking()) {
      whole.mutable_masking()->Swap(response->mutable_masking());
    } else {
      response->clear_masking();
    }
    return status;
  }

 private:
  void (*const lie_)(v1::RandomMaskingResponse& response);
  const ServedMasker honest_{MakeReferenceMasker()};
};

struct Lie {
  const char* name;
  void (*tell)(v1::RandomMaskingResponse& response);
  bool about_tokens = false;
};

std::ostream& operator<<(std::ostream& out, const Lie& lie) { return out << lie.name; }

using Response = v1::RandomMaskingResponse;

const Lie kLies[] = {
    {"Nothing", [](Response& r) { r.Clear(); }},
    {"KeptTokensMissing", [](Response& r) { r.clear_kept_tokens(); }, true},
    {"KeptTokensShort", [](Response& r) { r.mutable_kept_tokens()->pop_back(); }, true},
    {"KeptTokensLong", [](Response& r) { r.mutable_kept_tokens()->push_back(0); }, true},
    {"MaskMissing", [](Response& r) { r.mutable_masking()->clear_mask(); }},
    {"MaskShort", [](Response& r) { r.mutable_masking()->mutable_mask()->mutable_data()->pop_back(); }},
    {"MaskLong", [](Response& r) { r.mutable_masking()->mutable_mask()->mutable_data()->push_back(0); }},
    {"IdsRestoreMissing", [](Response& r) { r.mutable_masking()->clear_ids_restore(); }},
    {"IdsRestoreShort",
     [](Response& r) { r.mutable_masking()->mutable_ids_restore()->mutable_data()->pop_back(); }},
    {"IdsKeepMissing", [](Response& r) { r.mutable_masking()->clear_ids_keep(); }},
    {"IdsMaskMissing", [](Response& r) { r.mutable_masking()->clear_ids_mask(); }},
    {"NoiseShort", [](Response& r) { r.mutable_masking()->mutable_noise()->mutable_data()->resize(4); }},
    {"NumKeepOther", [](Response& r) { r.mutable_masking()->set_num_keep(3); }},
    {"NumKeepHuge", [](Response& r) { r.mutable_masking()->set_num_keep(INT64_MAX); }},
    {"NumKeepNegative", [](Response& r) { r.mutable_masking()->set_num_keep(-1); }},
    {"IdsOfOtherType",
     [](Response& r) {
       r.mutable_masking()->mutable_ids_restore()->set_element_type(v1::ELEMENT_TYPE_INT32);
       r.mutable_masking()->mutable_ids_restore()->mutable_data()->resize(2 * 8 * 4);
     }},
};

class LyingServerTest : public ::testing::TestWithParam<Lie> {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    client_ = std::make_unique<MaskingClient>(server_->InProcessChannel({}), MaskingClient::Options{});
  }
  void TearDown() override { server_->Shutdown(); }

  LyingService service_{GetParam().tell};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<MaskingClient> client_;
};

TEST_P(LyingServerTest, RandomMaskingIsInternal) {
  const std::string tokens = GoodRandomMasking().tokens();
  const absl::Status status = client_->RandomMasking(Spec(), std::as_bytes(std::span(tokens))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_FALSE(status.message().empty());
}

std::string LieName(const ::testing::TestParamInfo<Lie>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Answers, LyingServerTest, ::testing::ValuesIn(kLies), LieName);

using LyingAboutMasksTest = LyingServerTest;

TEST_P(LyingAboutMasksTest, GenerateMaskIsInternal) {
  MaskingSpec spec = Spec();
  spec.token_type.reset();
  spec.selection.kept_tokens = false;
  const absl::Status status = client_->GenerateMask(spec).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
}

std::vector<Lie> LiesAboutMasks() {
  std::vector<Lie> lies(std::begin(kLies), std::end(kLies));
  std::erase_if(lies, [](const Lie& lie) { return lie.about_tokens; });
  return lies;
}

INSTANTIATE_TEST_SUITE_P(Answers, LyingAboutMasksTest, ::testing::ValuesIn(LiesAboutMasks()), LieName);

// The lies above are what fails, not the service that tells them.
TEST(HonestServiceTest, IsBelieved) {
  LyingService service([](v1::RandomMaskingResponse&) {});
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  MaskingClient client(server->InProcessChannel({}), {});
  const std::string tokens = GoodRandomMasking().tokens();
  const auto batch = client.RandomMasking(Spec(), std::as_bytes(std::span(tokens)));
  EXPECT_TRUE(batch.ok()) << batch.status();
  server->Shutdown();
}

// A gRPC server that is healthy and is no maskd.
TEST(OtherServerTest, IsNotHealthyForMasking) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  const auto completion_queue = builder.AddCompletionQueue();
  const auto server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  MaskingClient client(server->InProcessChannel({}), {});
  const absl::Status status = client.CheckHealth();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  server->Shutdown();
  completion_queue->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (completion_queue->Next(&tag, &ok)) continue;
}

}  // namespace
}  // namespace maskd
