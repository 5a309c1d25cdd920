// A caller that goes away while its call runs.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/test_maskers.h"

namespace maskd {
namespace {

TEST(CancelCallTest, DeadlineEndsTheWorkOnTheServer) {
  Rendezvous rendezvous;
  const ServedMasker served(std::make_unique<EndlessMasker>(&rendezvous), Transport::kLoopback);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  v1::GenerateMaskResponse response;
  const grpc::Status status = served.stub().GenerateMask(&context, GoodGenerateMask(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  rendezvous.release.wait();  // the masker has noticed
}

TEST(CancelCallTest, CancellingEndsTheWorkOnTheServer) {
  Rendezvous rendezvous;
  const ServedMasker served(std::make_unique<EndlessMasker>(&rendezvous), Transport::kLoopback);
  grpc::ClientContext context;
  std::thread canceller([&] {
    rendezvous.entered.wait();
    context.TryCancel();
  });
  v1::RandomMaskingResponse response;
  const grpc::Status status = served.stub().RandomMasking(&context, GoodRandomMasking(), &response);
  canceller.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  rendezvous.release.wait();
}

}  // namespace
}  // namespace maskd
