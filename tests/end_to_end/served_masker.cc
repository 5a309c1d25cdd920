#include "tests/end_to_end/served_masker.h"

#include <grpc/grpc.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <thread>
#include <utility>

namespace maskd {
namespace {

// Keeps gRPC up until the process ends: when its last object goes, gRPC 1.51
// joins a polling thread, for 10 seconds if that has just gone to sleep.
[[maybe_unused]] const bool kGrpcStaysUp = (grpc_init(), true);

std::unique_ptr<MaskingServer> StartOrDie(std::unique_ptr<Masker> masker, Transport transport,
                                          const std::string& folder, const Limits& limits) {
  MaskingServer::Options options{.limits = limits};
  if (transport == Transport::kLoopback) options.listen = {"127.0.0.1:0"};
  if (transport == Transport::kUnixSocket) options.listen = {"unix:" + folder + "/maskd.sock"};
  auto server = MaskingServer::Start(std::move(masker), options);
  if (!server.ok()) {
    std::cerr << "the server did not start: " << server.status() << std::endl;
    std::abort();
  }
  return *std::move(server);
}

}  // namespace

std::string TransportName(Transport transport) {
  switch (transport) {
    case Transport::kInProcess:
      return "InProcess";
    case Transport::kLoopback:
      return "Loopback";
    case Transport::kUnixSocket:
      return "UnixSocket";
  }
  std::abort();
}

std::ostream& operator<<(std::ostream& out, Transport transport) { return out << TransportName(transport); }

TemporaryFolder::TemporaryFolder() : path_(std::filesystem::temp_directory_path() / "maskd_test_XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) {
    std::cerr << "cannot make a folder " << path_ << std::endl;
    std::abort();
  }
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ServedMasker::ServedMasker(std::unique_ptr<Masker> masker, Transport transport, const Limits& limits)
    : server_(StartOrDie(std::move(masker), transport, folder_.path(), limits)),
      channel_(transport == Transport::kInProcess ? server_->InProcessChannel() : MakeChannel(address())),
      stub_(v1::MaskingService::NewStub(channel_)) {}

std::string ServedMasker::address() const {
  return server_->addresses().empty() ? "" : server_->addresses().front();
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  // gRPC 1.51 tries again if a connect() fails, and now and then takes another
  // call's errno for that of a connect() under way (seen in a chroot without
  // /sys, as "failed to connect ... No such file or directory").
  channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30));
  return channel;
}

void ExpectBudgetReturns(const MaskingServer& server) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (server.inflight_bytes() != 0 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::yield();
  EXPECT_EQ(server.inflight_bytes(), 0);
}

}  // namespace maskd
