// Addresses: which are taken, which are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "kernels/masker.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

using ::testing::SizeIs;

void ExpectServes(const std::string& address) {
  const auto stub = v1::MaskingService::NewStub(MakeChannel(address));
  grpc::ClientContext context;
  v1::GenerateMaskResponse response;
  const grpc::Status status = stub->GenerateMask(&context, GoodGenerateMask(), &response);
  EXPECT_TRUE(status.ok()) << address << ": " << status.error_message();
}

TEST(ListenTest, PicksAFreePortAndSaysWhich) {
  const auto server = MaskingServer::Start(MakeReferenceMasker(), {.listen = {"127.0.0.1:0"}});
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_THAT((*server)->addresses(), SizeIs(1));
  EXPECT_THAT((*server)->addresses()[0], MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));
  ExpectServes((*server)->addresses()[0]);
}

TEST(ListenTest, OnSeveralAddressesAtOnce) {
  const TemporaryFolder folder;
  const std::string socket = "unix:" + folder.path() + "/a.sock";
  const auto server =
      MaskingServer::Start(MakeReferenceMasker(), {.listen = {"127.0.0.1:0", socket, "127.0.0.1:0"}});
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_THAT((*server)->addresses(), SizeIs(3));
  EXPECT_EQ((*server)->addresses()[1], socket);
  EXPECT_NE((*server)->addresses()[0], (*server)->addresses()[2]);
  for (const std::string& address : (*server)->addresses()) ExpectServes(address);
}

TEST(ListenTest, ANameIsListenedOnAtOnePort) {
  const auto server = MaskingServer::Start(MakeReferenceMasker(), {.listen = {"localhost:0"}});
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string address = (*server)->addresses()[0];
  EXPECT_THAT(address, MatchesRegex("localhost:[1-9][0-9]*"));
  // By address: gRPC's resolver of names leaks.
  ExpectServes("127.0.0.1" + address.substr(address.rfind(':')));
}

TEST(ListenTest, ASocketOfAServerThatIsNoMoreIsReplaced) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/a.sock";
  const int left_over = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof(name.sun_path) - 1);
  ASSERT_EQ(bind(left_over, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  close(left_over);
  {
    const auto server = MaskingServer::Start(MakeReferenceMasker(), {.listen = {"unix:" + path}});
    ASSERT_TRUE(server.ok()) << server.status();
    ExpectServes("unix:" + path);
    const auto second = MaskingServer::Start(MakeReferenceMasker(), {.listen = {"unix:" + path}});
    EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable) << second.status();
    ExpectServes("unix:" + path);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListenTest, OnNothingServesInProcess) {
  const ServedMasker served(MakeReferenceMasker());
  EXPECT_THAT(served.server().addresses(), IsEmpty());
  grpc::ClientContext context;
  v1::GenerateMaskResponse response;
  EXPECT_TRUE(served.stub().GenerateMask(&context, GoodGenerateMask(), &response).ok());
}

TEST(ListenTest, ASecondServerOnThePortDoesNotStart) {
  const ServedMasker first(MakeReferenceMasker(), Transport::kLoopback);
  const auto second = MaskingServer::Start(MakeReferenceMasker(), {.listen = {first.address()}});
  ASSERT_EQ(second.status().code(), absl::StatusCode::kUnavailable) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(first.address()));
  ExpectServes(first.address());
}

TEST(ListenTest, OneBadAddressAmongGoodOnesDoesNotStart) {
  const ServedMasker first(MakeReferenceMasker(), Transport::kLoopback);
  const auto second = MaskingServer::Start(MakeReferenceMasker(),
                                           {.listen = {"127.0.0.1:0", first.address(), "127.0.0.1:0"}});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable) << second.status();
}

TEST(ListenTest, APortIsFreeAgainAfterItsServer) {
  std::string address;
  {
    const ServedMasker first(MakeReferenceMasker(), Transport::kLoopback);
    address = first.address();
    ExpectServes(address);
  }
  const auto second = MaskingServer::Start(MakeReferenceMasker(), {.listen = {address}});
  ASSERT_TRUE(second.ok()) << second.status();
  ExpectServes(address);
}

struct BadAddress {
  const char* name;
  const char* address;
  absl::StatusCode code;
};

std::ostream& operator<<(std::ostream& out, const BadAddress& bad) { return out << bad.address; }

class BadAddressTest : public ::testing::TestWithParam<BadAddress> {};

TEST_P(BadAddressTest, DoesNotStart) {
  const auto server = MaskingServer::Start(MakeReferenceMasker(), {.listen = {GetParam().address}});
  ASSERT_EQ(server.status().code(), GetParam().code) << server.status();
  EXPECT_THAT(std::string(server.status().message()), HasSubstr(GetParam().address));
}

constexpr BadAddress kBadAddresses[] = {
    {"NotOfThisMachine", "203.0.113.7:0", absl::StatusCode::kUnavailable},
    {"SocketInNoFolder", "unix:/no/such/folder/maskd.sock", absl::StatusCode::kUnavailable},
    {"NoSuchHost", "no-such-host.invalid:0", absl::StatusCode::kUnavailable},
    {"PortOver65535", "127.0.0.1:99999", absl::StatusCode::kInvalidArgument},
    {"Port65536", "127.0.0.1:65536", absl::StatusCode::kInvalidArgument},
    {"PortNegative", "127.0.0.1:-1", absl::StatusCode::kInvalidArgument},
    {"PortThatWraps64Bits", "127.0.0.1:18446744073709551616", absl::StatusCode::kInvalidArgument},
    {"HostAlone", "127.0.0.1", absl::StatusCode::kInvalidArgument},
    {"NoPort", "127.0.0.1:", absl::StatusCode::kInvalidArgument},
    {"NoHost", ":0", absl::StatusCode::kInvalidArgument},
    {"NoPath", "unix:", absl::StatusCode::kInvalidArgument},
    {"Empty", "", absl::StatusCode::kInvalidArgument},
};

std::string BadAddressName(const ::testing::TestParamInfo<BadAddress>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Addresses, BadAddressTest, ::testing::ValuesIn(kBadAddresses), BadAddressName);

}  // namespace
}  // namespace maskd
