#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/masker.h"
#include "server/masking_server.h"

namespace maskd {
namespace {

std::string AsString(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

// The response to "which services are there", or the status of asking.
std::pair<grpc::Status, std::string> ListServices(bool reflection) {
  auto server =
      MaskingServer::Start(MakeCpuMasker(1), {.listen = {}, .limits = {}, .reflection = reflection});
  EXPECT_TRUE(server.ok()) << server.status();
  grpc::GenericStub stub((*server)->InProcessChannel());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  const auto call =
      stub.PrepareCall(&context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(nullptr);
  wait();
  // ServerReflectionRequest.list_services (field 7): "*".
  const grpc::Slice request("\x3a\x01*", 3);
  call->Write(grpc::ByteBuffer(&request, 1), nullptr);
  wait();
  grpc::ByteBuffer response;
  call->Read(&response, nullptr);
  const std::string bytes = wait() ? AsString(response) : "";
  call->WritesDone(nullptr);
  wait();
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  return {status, bytes};
}

TEST(ReflectionTest, NamesTheServiceIfSwitchedOn) {
  EXPECT_NE(ListServices(true).second.find("maskd.v1.MaskingService"), std::string::npos);
}

}  // namespace
}  // namespace maskd
