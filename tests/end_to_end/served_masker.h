// A server on one transport, and a stub to it.
#ifndef MASKD_TESTS_END_TO_END_SERVED_MASKER_H_
#define MASKD_TESTS_END_TO_END_SERVED_MASKER_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <ostream>
#include <string>

#include "kernels/masker.h"
#include "maskd/v1/masking_service.grpc.pb.h"
#include "server/limits.h"
#include "server/masking_server.h"

namespace maskd {

enum class Transport { kInProcess, kLoopback, kUnixSocket };

// What no test waits for, unless it fails: the deadline of its calls.
inline constexpr std::chrono::seconds kPatience{60};

// As part of the name of a test.
std::string TransportName(Transport transport);
inline std::string NameOfTransport(const ::testing::TestParamInfo<Transport>& info) {
  return TransportName(info.param);
}
inline std::string NameOfWay(const ::testing::TestParamInfo<bool>& streamed) {
  return streamed.param ? "Streamed" : "Unary";
}
std::ostream& operator<<(std::ostream& out, Transport transport);

// An empty folder of this process, gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();

  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class ServedMasker {
 public:
  // Aborts if the server does not start. Listens on a free port of 127.0.0.1 or
  // on a socket in a folder of its own.
  explicit ServedMasker(std::unique_ptr<Masker> masker, Transport transport = Transport::kInProcess,
                        const Limits& limits = {});

  MaskingServer& server() const { return *server_; }
  v1::MaskingService::Stub& stub() const { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // As a client dials it. Empty in process.
  std::string address() const;

 private:
  const TemporaryFolder folder_;
  const std::unique_ptr<MaskingServer> server_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::MaskingService::Stub> stub_;
};

// A channel to `address` of its own, not shared with any other, that takes
// messages of any size.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);

// Fails the test unless calls soon hold nothing of the budget: a call gives back
// its bytes when its response has gone, which its caller can have before.
void ExpectBudgetReturns(const MaskingServer& server);

}  // namespace maskd

#endif  // MASKD_TESTS_END_TO_END_SERVED_MASKER_H_
