// Cards that fail behind the service: what its callers get, and what GetServerInfo
// and maskctl say of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/maskctl/commands.h"
#include "client/masking_client.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "kernels/failover_masker.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/unit/scripted_masker.h"

namespace maskd {
namespace {

using ::testing::HasSubstr;

const absl::Status kLost = absl::InternalError("cudaStreamSynchronize: unspecified launch failure");

// A server with two cards, each of which fails at a call of its own and from then on.
class ServedFailoverTest : public ::testing::Test {
 protected:
  void Start(int first_fails_at, int second_fails_at) {
    std::vector<std::unique_ptr<Masker>> cards;
    for (const int at : {first_fails_at, second_fails_at}) {
      cards.push_back(std::make_unique<ScriptedMasker>(
          static_cast<int>(cards.size()), [at](int call) { return call < at ? absl::OkStatus() : kLost; }));
    }
    served_ = std::make_unique<ServedMasker>(
        std::make_unique<FailoverMasker>(std::move(cards), std::vector<DeviceState>(), MakeCpuMasker(1),
                                         nullptr),
        Transport::kLoopback);
  }

  // Makes a call of each kind; all must answer as the CPU does.
  void ExpectServes() {
    {
      grpc::ClientContext context;
      v1::RandomMaskingResponse response;
      const grpc::Status status = served_->stub().RandomMasking(&context, GoodRandomMasking(), &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
      ExpectSame(response, cpu_response_);
    }
    {
      grpc::ClientContext context;
      v1::GenerateMaskResponse response;
      ASSERT_TRUE(served_->stub().GenerateMask(&context, GoodGenerateMask(), &response).ok());
      EXPECT_EQ(response.masking().ids_restore().data(), cpu_response_.masking().ids_restore().data());
    }
    {
      MaskingClient client(served_->channel(), {.stream_from_bytes = 0});
      MaskingSpec spec{
          .batch_size = 64, .sequence_length = 196, .token_type = TokenType{5, 1}, .num_keep = 49};
      spec.selection = {.kept_tokens = true, .ids_restore = true};
      const std::string tokens(64 * 196 * 5, 't');
      const auto batch = client.RandomMasking(spec, std::as_bytes(std::span(tokens)));
      ASSERT_TRUE(batch.ok()) << batch.status();
      MaskingSpec masks = spec;
      masks.token_type.reset();
      masks.selection.kept_tokens = false;
      const MaskingPlan plan = *MakeMaskingPlan(masks);
      std::string ids(static_cast<std::size_t>(plan.result_bytes.ids_restore), 0);
      ASSERT_TRUE(
          MakeCpuMasker(1)->Mask(plan, {.ids_restore = reinterpret_cast<std::byte*>(ids.data())}).ok());
      EXPECT_EQ(batch->ids_restore, ids);
    }
  }

  static void ExpectSame(const v1::RandomMaskingResponse& response,
                         const v1::RandomMaskingResponse& expected) {
    EXPECT_EQ(response.kept_tokens(), expected.kept_tokens());
    EXPECT_EQ(response.masking().mask().data(), expected.masking().mask().data());
    EXPECT_EQ(response.masking().ids_restore().data(), expected.masking().ids_restore().data());
  }

  v1::GetServerInfoResponse Info() {
    grpc::ClientContext context;
    v1::GetServerInfoResponse info;
    EXPECT_TRUE(served_->stub().GetServerInfo(&context, {}, &info).ok());
    return info;
  }

  // What `maskctl` prints.
  std::string Maskctl(const std::string& command) {
    CLI::App app;
    const Command run = command == "health" ? AddHealthCommand(app) : AddInfoCommand(app);
    app.parse(command + " --address=" + served_->address());
    ::testing::internal::CaptureStdout();
    const absl::Status status = run();
    const std::string output = ::testing::internal::GetCapturedStdout();
    EXPECT_TRUE(status.ok()) << status;
    return output;
  }

  static v1::RandomMaskingResponse MaskOnCpu() {
    const ServedMasker cpu(MakeCpuMasker(1));
    grpc::ClientContext context;
    v1::RandomMaskingResponse response;
    EXPECT_TRUE(cpu.stub().RandomMasking(&context, GoodRandomMasking(), &response).ok());
    return response;
  }

  const v1::RandomMaskingResponse cpu_response_ = MaskOnCpu();
  std::unique_ptr<ServedMasker> served_;
};

TEST_F(ServedFailoverTest, AllCardsWork) {
  Start(1 << 20, 1 << 20);
  ExpectServes();
  const v1::GetServerInfoResponse info = Info();
  EXPECT_EQ(info.backend(), "cuda");
  ASSERT_EQ(info.devices_size(), 3);
  for (const v1::Device& device : info.devices()) EXPECT_TRUE(device.healthy()) << device.id();
  EXPECT_EQ(info.devices(0).id(), "cuda:0");
  EXPECT_EQ(info.devices(2).id(), "cpu");
  EXPECT_EQ(Maskctl("health"), "serving\n");
  EXPECT_THAT(Maskctl("info"), HasSubstr("health               all devices work\n"
                                         "  cuda:0 (a card of a script)\n"
                                         "  cuda:1 (a card of a script)\n"
                                         "  cpu ("));
}

TEST_F(ServedFailoverTest, OneCardFails) {
  Start(1 << 20, 0);
  ExpectServes();
  const v1::GetServerInfoResponse info = Info();
  EXPECT_EQ(info.backend(), "cuda");
  EXPECT_EQ(info.device_name(), "a card of a script");
  ASSERT_EQ(info.devices_size(), 3);
  EXPECT_TRUE(info.devices(0).healthy());
  EXPECT_EQ(info.devices(1).id(), "cuda:1");
  EXPECT_EQ(info.devices(1).backend(), "cuda");
  EXPECT_EQ(info.devices(1).name(), "a card of a script");
  EXPECT_FALSE(info.devices(1).healthy());
  EXPECT_EQ(info.devices(1).error(), kLost.message());
  EXPECT_EQ(Maskctl("health"),
            "serving, degraded\n"
            "cuda:1 (a card of a script) failed: cudaStreamSynchronize: unspecified launch failure\n");
  EXPECT_THAT(
      Maskctl("info"),
      HasSubstr("health               degraded\n"
                "  cuda:0 (a card of a script)\n"
                "  cuda:1 (a card of a script) failed: cudaStreamSynchronize: unspecified launch failure\n"
                "  cpu ("));
}

TEST_F(ServedFailoverTest, AllCardsFailAndTheCpuServes) {
  Start(1, 0);
  for (int i = 0; i < 3; ++i) ExpectServes();
  const v1::GetServerInfoResponse info = Info();
  EXPECT_EQ(info.backend(), "cpu");
  EXPECT_EQ(info.device_name(), MakeCpuMasker(1)->device_name());
  EXPECT_FALSE(info.devices(0).healthy());
  EXPECT_FALSE(info.devices(1).healthy());
  EXPECT_TRUE(info.devices(2).healthy());
  EXPECT_THAT(Maskctl("health"), HasSubstr("serving, degraded\ncuda:0 (a card of a script) failed: "));

  const auto health = grpc::health::v1::Health::NewStub(served_->channel());
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(health->Check(&context, {}, &response).ok());
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
}

TEST(ServerInfoTest, ListsTheOneDevice) {
  const ServedMasker served(MakeCpuMasker(1));
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(served.stub().GetServerInfo(&context, {}, &info).ok());
  ASSERT_EQ(info.devices_size(), 1);
  EXPECT_EQ(info.devices(0).id(), "cpu");
  EXPECT_EQ(info.devices(0).backend(), "cpu");
  EXPECT_EQ(info.devices(0).name(), info.device_name());
  EXPECT_TRUE(info.devices(0).healthy());
}

}  // namespace
}  // namespace maskd
