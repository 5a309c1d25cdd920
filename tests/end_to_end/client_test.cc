// The C++ client against a server, against nothing, against a stuck one.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/masking_client.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "tests/contract/masked_results.h"
#include "tests/contract/masking_case.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/test_maskers.h"

namespace maskd {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<MaskingClient> ConnectOrDie(const std::string& address,
                                            const MaskingClient::Options& options = {}) {
  return MaskingClient::Connect(address, options).value();
}

MaskingSpec GoodSpec() {
  return {.batch_size = 2,
          .sequence_length = 8,
          .mask_ratio = 0.75,
          .selection = {.mask = true, .ids_restore = true}};
}

std::vector<std::byte> BytesOf(const std::string& text) {
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

MaskedResults ResultsOf(const MaskedBatch& batch) {
  return {.kept_tokens = BytesOf(batch.kept_tokens),
          .mask = BytesOf(batch.mask),
          .ids_restore = BytesOf(batch.ids_restore),
          .ids_keep = BytesOf(batch.ids_keep),
          .ids_mask = BytesOf(batch.ids_mask),
          .noise = BytesOf(batch.noise)};
}

// ---- Every case of the contract, there and back.

// How a batch gets there.
struct Way {
  const char* name;
  Transport transport;
  MaskingClient::Options options = {};
};

std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }

constexpr std::int64_t kNever = INT64_MAX;  // bytes that no batch has

class ClientTest : public ::testing::TestWithParam<Way> {
 protected:
  std::unique_ptr<MaskingClient> MakeClient() {
    if (GetParam().transport != Transport::kInProcess)
      return ConnectOrDie(served_.address(), GetParam().options);
    return std::make_unique<MaskingClient>(served_.channel(), GetParam().options);
  }

  void ExpectSameAsInProcess(const std::vector<MaskingCase>& cases) {
    const auto client = MakeClient();
    for (const MaskingCase& masking_case : cases) {
      SCOPED_TRACE(masking_case.name);
      const PreparedCase prepared(masking_case);
      const absl::StatusOr<MaskedBatch> batch =
          prepared.spec().token_type.has_value() ? client->RandomMasking(prepared.spec(), prepared.tokens())
                                                 : client->GenerateMask(prepared.spec());
      ASSERT_TRUE(batch.ok()) << batch.status();
      EXPECT_EQ(batch->num_keep, prepared.plan().num_keep);
      ExpectSameResults(ResultsOf(*batch), MaskOrFail(*reference_, prepared.plan(), prepared.tokens()));
    }
  }

  const std::unique_ptr<Masker> reference_ = MakeReferenceMasker();
  ServedMasker served_{MakeCpuMasker(2), GetParam().transport};
};

TEST_P(ClientTest, LengthsAreTheBytesOfTheReference) { ExpectSameAsInProcess(LengthCases()); }
TEST_P(ClientTest, TokenBytesAreTheBytesOfTheReference) { ExpectSameAsInProcess(TokenBytesCases()); }
TEST_P(ClientTest, ResultTypesAreTheBytesOfTheReference) { ExpectSameAsInProcess(ResultTypeCases()); }
TEST_P(ClientTest, NoisesAreTheBytesOfTheReference) { ExpectSameAsInProcess(NoiseCases()); }
TEST_P(ClientTest, IdentitiesAreTheBytesOfTheReference) { ExpectSameAsInProcess(IdentityCases()); }
TEST_P(ClientTest, ModelsAreTheBytesOfTheReference) { ExpectSameAsInProcess(ModelCases()); }

TEST_P(ClientTest, RuleOfTheRatioTravels) {
  const auto client = MakeClient();
  MaskingSpec spec = GoodSpec();
  spec.sequence_length = 400;
  spec.mask_ratio = 0.9;
  std::vector<std::int64_t> counts;
  for (int rule = 0; rule < 4; ++rule) {
    spec.keep_count_rule = KeepCountRule{rule};
    const absl::StatusOr<MaskedBatch> batch = client->GenerateMask(spec);
    ASSERT_TRUE(batch.ok()) << batch.status();
    counts.push_back(batch->num_keep);
  }
  EXPECT_THAT(counts, ::testing::ElementsAre(39, 40, 40, 39));
}

TEST_P(ClientTest, BatchSaysWhoMadeIt) {
  const absl::StatusOr<MaskedBatch> batch = MakeClient()->GenerateMask(GoodSpec());
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->backend, "cpu");
  EXPECT_EQ(batch->algorithm_version, kAlgorithmVersion);
  EXPECT_EQ(batch->num_keep, 2);
}

TEST_P(ClientTest, ServerInfoAndHealth) {
  const auto client = MakeClient();
  const absl::StatusOr<ServerInfo> info = client->GetServerInfo();
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->backend, "cpu");
  EXPECT_FALSE(info->version.empty());
  EXPECT_FALSE(info->device_name.empty());
  EXPECT_EQ(info->algorithm_version, kAlgorithmVersion);
  EXPECT_EQ(info->max_message_bytes, Limits{}.max_message_bytes);
  EXPECT_EQ(info->max_batch_tokens, Limits{}.max_batch_tokens);
  EXPECT_EQ(info->max_sequence_length, kMaxSequenceLength);
  EXPECT_EQ(info->max_element_bytes, kMaxElementBytes);
  EXPECT_TRUE(client->CheckHealth().ok());
}

TEST_P(ClientTest, BadSpecIsRefusedByTheServer) {
  const auto client = MakeClient();
  MaskingSpec spec = GoodSpec();
  spec.mask_ratio = 1.0;
  const absl::Status status = client->GenerateMask(spec).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("mask_ratio"));
  spec = GoodSpec();
  spec.token_type = TokenType{.token_dim = 3, .element_bytes = 4};
  const std::vector<std::byte> too_short(2 * 8 * 12 - 1);
  EXPECT_EQ(client->RandomMasking(spec, too_short).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(client->GenerateMask(GoodSpec()).ok());
}

TEST_P(ClientTest, CallsMayOverlap) {
  const auto client = MakeClient();
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      MaskingSpec spec = GoodSpec();
      spec.seed = seed;
      const absl::StatusOr<MaskedBatch> first = client->GenerateMask(spec);
      ASSERT_TRUE(first.ok()) << first.status();
      for (int i = 0; i < 50; ++i) {
        const absl::StatusOr<MaskedBatch> batch = client->GenerateMask(spec);
        ASSERT_TRUE(batch.ok()) << batch.status();
        EXPECT_EQ(batch->ids_restore, first->ids_restore);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

std::string WayName(const ::testing::TestParamInfo<Way>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Ways, ClientTest,
    ::testing::Values(
        Way{"UnaryInProcess", Transport::kInProcess, {.stream_from_bytes = kNever}},
        Way{"UnaryLoopback", Transport::kLoopback, {.stream_from_bytes = kNever}},
        Way{"UnaryUnixSocket", Transport::kUnixSocket, {.stream_from_bytes = kNever}},
        Way{"StreamInProcess", Transport::kInProcess, {.stream_from_bytes = 0}},
        Way{"StreamLoopback", Transport::kLoopback, {.stream_from_bytes = 0}},
        Way{"StreamUnixSocket", Transport::kUnixSocket, {.stream_from_bytes = 0}},
        Way{"StreamsOfThreeConnections", Transport::kLoopback, {.stream_from_bytes = 0, .connections = 3}}),
    WayName);

// ---- Addresses, and servers that are not there.

struct BadAddress {
  const char* name;
  const char* address;
};

std::ostream& operator<<(std::ostream& out, const BadAddress& bad) { return out << bad.address; }

class BadClientAddressTest : public ::testing::TestWithParam<BadAddress> {};

TEST_P(BadClientAddressTest, IsRefused) {
  const auto client = MaskingClient::Connect(GetParam().address, {});
  ASSERT_EQ(client.status().code(), absl::StatusCode::kInvalidArgument) << client.status();
  EXPECT_THAT(std::string(client.status().message()), HasSubstr(GetParam().address));
}

constexpr BadAddress kBadAddresses[] = {
    {"Empty", ""},       {"HostAlone", "localhost"},       {"NoHost", ":50051"}, {"NoPort", "localhost:"},
    {"NoPath", "unix:"}, {"LargePort", "localhost:65536"},
};

std::string BadAddressName(const ::testing::TestParamInfo<BadAddress>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Addresses, BadClientAddressTest, ::testing::ValuesIn(kBadAddresses), BadAddressName);

// A port of this machine that nobody listens on, for as long as this lives.
class ClosedPort {
 public:
  ClosedPort() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~ClosedPort() { close(socket_); }

  const std::string& address() const { return address_; }

 private:
  const int socket_;
  std::string address_;
};

TEST(NoServerTest, IsUnavailableBeforeTheDeadline) {
  const ClosedPort port;
  const TemporaryFolder folder;
  for (const std::string& address : {port.address(), "unix:" + folder.path() + "/none.sock"}) {
    const auto client = ConnectOrDie(address, {.timeout = std::chrono::minutes(5)});
    const absl::Status status = client->GenerateMask(GoodSpec()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(client->GetServerInfo().status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(client->CheckHealth().code(), absl::StatusCode::kUnavailable);
  }
}

TEST(NoServerTest, ADrainedServerIsUnavailable) {
  const ServedMasker served(MakeReferenceMasker(), Transport::kLoopback);
  const auto client = ConnectOrDie(served.address());
  EXPECT_TRUE(client->CheckHealth().ok());
  EXPECT_TRUE(served.server().Drain(std::chrono::minutes(1)));
  EXPECT_EQ(client->CheckHealth().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client->GenerateMask(GoodSpec()).status().code(), absl::StatusCode::kUnavailable);
}

TEST(NoServerTest, AClientReachesAServerThatCameBack) {
  const TemporaryFolder folder;
  const std::string address = "unix:" + folder.path() + "/maskd.sock";
  const auto client = ConnectOrDie(address);
  for (int life = 0; life < 2; ++life) {
    const auto server = MaskingServer::Start(MakeReferenceMasker(), {.listen = {address}});
    ASSERT_TRUE(server.ok()) << server.status();
    absl::StatusOr<MaskedBatch> batch = client->GenerateMask(GoodSpec());
    while (absl::IsUnavailable(batch.status())) batch = client->GenerateMask(GoodSpec());  // backing off
    EXPECT_TRUE(batch.ok()) << batch.status();
  }
}

// ---- Deadlines and bounds.

TEST(StuckServerTest, DeadlineIsKept) {
  Rendezvous rendezvous;
  const ServedMasker served(std::make_unique<BlockingMasker>(&rendezvous), Transport::kLoopback);
  const auto client = ConnectOrDie(served.address(), {.timeout = std::chrono::milliseconds(100)});
  const absl::Status status = client->GenerateMask(GoodSpec()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  rendezvous.release.count_down();
}

TEST(ResponseBoundTest, AResponseOverTheClientsBoundIsRefused) {
  const ServedMasker served(MakeReferenceMasker(), Transport::kLoopback);
  const auto client = ConnectOrDie(served.address(), {.max_message_bytes = 1000});
  MaskingSpec spec = GoodSpec();
  EXPECT_TRUE(client->GenerateMask(spec).ok());
  spec.sequence_length = 196;
  const absl::Status status = client->GenerateMask(spec).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
}

TEST(ResponseBoundTest, ABoundThatNoIntHoldsDoesNotWrap) {
  const ServedMasker served(MakeReferenceMasker(), Transport::kLoopback);
  const auto client = ConnectOrDie(served.address(), {.max_message_bytes = (std::int64_t{1} << 32) + 8});
  const absl::Status status = client->GenerateMask(GoodSpec()).status();
  EXPECT_TRUE(status.ok()) << status;
}

}  // namespace
}  // namespace maskd
