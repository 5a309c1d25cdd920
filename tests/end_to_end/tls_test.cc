// maskd behind TLS: MaskingClient, TensorClient and maskctl.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/maskctl/commands.h"
#include "client/masking_client.h"
#include "client/tensor_client.h"
#include "server/masking_server.h"
#include "tests/benchmark/transport/self_signed_certificate.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/socket_relay.h"

namespace maskd {
namespace {

using ::testing::HasSubstr;

// A key and its certificate, in files and in memory.
struct Identity {
  Identity(const TemporaryFolder& folder, const std::string& name, const std::string& host)
      : certificate_path(folder.path() + "/" + name + ".pem"), key_path(folder.path() + "/" + name + ".key") {
    const absl::Status status = transport::WriteSelfSignedCertificate(host, certificate_path, key_path);
    EXPECT_TRUE(status.ok()) << status;
    certificate = Read(certificate_path);
    key = Read(key_path);
  }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  const std::string certificate_path;
  const std::string key_path;
  std::string certificate;
  std::string key;
};

class TlsTest : public ::testing::Test {
 protected:
  void Start(const std::string& client_certificates = "") { StartAs(server_, client_certificates); }

  void StartAs(const Identity& identity, const std::string& client_certificates = "") {
    auto server = MaskingServer::Start(MakeCpuMasker(1), {.listen = {"127.0.0.1:0"},
                                                          .tls_certificate_chain = identity.certificate,
                                                          .tls_private_key = identity.key,
                                                          .tls_client_certificates = client_certificates});
    ASSERT_TRUE(server.ok()) << server.status();
    masking_server_ = *std::move(server);
    address_ = masking_server_->addresses().front();
  }

  MaskingClient::Options Options() const {
    return {.timeout = std::chrono::seconds(20), .tls_root_certificates = server_.certificate};
  }

  // What `maskctl` returns, and prints.
  std::pair<absl::Status, std::string> Maskctl(const std::string& command, const std::string& flags) {
    CLI::App app;
    const Command run = command == "health" ? AddHealthCommand(app) : AddInfoCommand(app);
    app.parse(command + " --address=" + address_ + " " + flags);
    ::testing::internal::CaptureStdout();
    absl::Status status = run();
    return {std::move(status), ::testing::internal::GetCapturedStdout()};
  }

  const TemporaryFolder folder_;
  // By address: gRPC's resolver of names leaks.
  const Identity server_{folder_, "server", "127.0.0.1"};
  const Identity other_{folder_, "other", "127.0.0.1"};
  std::unique_ptr<MaskingServer> masking_server_;
  std::string address_;
};

TEST_F(TlsTest, MaskingClientUnaryStreamedAndOverSeveralConnections) {
  Start();
  MaskingSpec spec{
      .batch_size = 64, .sequence_length = 196, .token_type = TokenType{64, 4}, .mask_ratio = 0.75};
  spec.selection = {.kept_tokens = true, .ids_restore = true};
  const std::string tokens(64 * 196 * 64 * 4, 't');
  MaskingClient::Options unary = Options();
  unary.stream_from_bytes = std::int64_t{1} << 40;
  MaskingClient::Options streamed = Options();
  streamed.stream_from_bytes = 0;
  streamed.connections = 3;
  std::vector<std::string> ids;
  for (const MaskingClient::Options& options : {unary, streamed}) {
    const auto client = MaskingClient::Connect(address_, options);
    ASSERT_TRUE(client.ok()) << client.status();
    const auto batch = (*client)->RandomMasking(spec, std::as_bytes(std::span(tokens)));
    ASSERT_TRUE(batch.ok()) << batch.status();
    EXPECT_EQ(batch->kept_tokens, std::string(64 * 49 * 64 * 4, 't'));
    ids.push_back(batch->ids_restore);
  }
  EXPECT_TRUE(ids[0] == ids[1]);
}

// As stuck_server_test.cc has it without TLS.
TEST_F(TlsTest, LateCallsReturnFromAServerThatStopsReading) {
  Start();
  SocketRelay relay(address_);
  MaskingClient::Options options = Options();
  options.stream_from_bytes = std::int64_t{1} << 40;
  const auto client = MaskingClient::Connect(relay.address(), options).value();
  const MaskingSpec spec{.batch_size = 64,
                         .sequence_length = 256,
                         .token_type = TokenType{256, 4},
                         .mask_ratio = 0.75,
                         .selection = {.mask = true}};
  const std::string tokens(64 * 256 * 256 * 4, 't');
  const auto call = [&](const CallLimits& limits) {
    return client->RandomMasking(spec, std::as_bytes(std::span(tokens)), limits).status();
  };
  EXPECT_TRUE(call({}).ok());
  relay.HoldAfter(1 << 20);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::future<absl::Status>> calls;
  for (int i = 0; i < 4; ++i)
    calls.push_back(std::async(std::launch::async, call, CallLimits{.timeout = std::chrono::seconds(1)}));
  for (auto& status : calls) EXPECT_EQ(status.get().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
  relay.HoldAfter(INT64_MAX);
  EXPECT_TRUE(call({}).ok());
}

TEST_F(TlsTest, TensorClient) {
  Start();
  const auto client = TensorClient::Connect(address_, Options());
  ASSERT_TRUE(client.ok()) << client.status();
  const std::vector<float> input = {1, 2, 3, 4, 5, 6};
  const std::vector<std::int64_t> index = {2, 0};
  GatherArguments arguments;
  arguments.input = {.form = {.type = ElementType::kFloat32, .shape = {3, 2}},
                     .data = std::as_bytes(std::span(input))};
  arguments.index = {.form = {.type = ElementType::kInt64, .shape = {2}},
                     .data = std::as_bytes(std::span(index))};
  arguments.index_rank = 1;
  const auto gathered = (*client)->Gather(arguments);
  ASSERT_TRUE(gathered.ok()) << gathered.status();
  const std::vector<float> expected = {5, 6, 1, 2};
  EXPECT_TRUE(std::ranges::equal(gathered->view().data, std::as_bytes(std::span(expected))));
}

TEST_F(TlsTest, Maskctl) {
  Start();
  const auto [health, said] = Maskctl("health", "--tls_ca=" + server_.certificate_path);
  EXPECT_TRUE(health.ok()) << health;
  EXPECT_EQ(said, "serving\n");
  const auto [info, facts] = Maskctl("info", "--tls_ca=" + server_.certificate_path);
  EXPECT_TRUE(info.ok()) << info;
  EXPECT_THAT(facts, HasSubstr("backend              cpu\n"));
}

TEST_F(TlsTest, WithoutTlsOrWithAnotherAuthorityThereIsNoConnection) {
  Start();
  for (const std::string& flags : {std::string(), "--tls_ca=" + other_.certificate_path}) {
    const auto [status, said] = Maskctl("health", flags);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(said, "");
  }
}

// gRPC starts all the same, and refuses every caller.
TEST_F(TlsTest, WhatCallersCouldNotConnectToDoesNotStart) {
  struct Wrong {
    std::string certificate;
    std::string key;
    std::string client_certificates;
    const char* says;
  };
  const std::string empty_pem = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
  for (const Wrong& wrong :
       {Wrong{server_.certificate, other_.key, "", "--tls_key"},
        Wrong{server_.certificate, server_.certificate, "", "--tls_key"},
        Wrong{server_.key, server_.key, "", "--tls_cert"}, Wrong{empty_pem, server_.key, "", "--tls_cert"},
        Wrong{server_.certificate, server_.key, empty_pem, "--tls_client_ca"}}) {
    const auto server =
        MaskingServer::Start(MakeCpuMasker(1), {.listen = {"127.0.0.1:0"},
                                                .tls_certificate_chain = wrong.certificate,
                                                .tls_private_key = wrong.key,
                                                .tls_client_certificates = wrong.client_certificates});
    EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument) << server.status();
    EXPECT_THAT(std::string(server.status().message()), HasSubstr(wrong.says));
  }
}

TEST_F(TlsTest, ACertificateOfAnotherHostIsRefused) {
  const Identity elsewhere(folder_, "elsewhere", "elsewhere.example");
  StartAs(elsewhere);
  const auto [status, said] = Maskctl("health", "--tls_ca=" + elsewhere.certificate_path);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST_F(TlsTest, CallersByCertificate) {
  Start(other_.certificate);
  const std::string ca = "--tls_ca=" + server_.certificate_path;
  const auto [nobody, nothing] = Maskctl("health", ca);
  EXPECT_EQ(nobody.code(), absl::StatusCode::kUnavailable) << nobody;
  const auto [somebody, said] =
      Maskctl("health", ca + " --tls_cert=" + other_.certificate_path + " --tls_key=" + other_.key_path);
  EXPECT_TRUE(somebody.ok()) << somebody;
  EXPECT_EQ(said, "serving\n");
  MaskingClient::Options options = Options();
  options.tls_certificate_chain = other_.certificate;
  options.tls_private_key = other_.key;
  const auto client = MaskingClient::Connect(address_, options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE((*client)->GetServerInfo().ok());
}

}  // namespace
}  // namespace maskd
