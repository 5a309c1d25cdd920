#include "tests/benchmark/transport/empty_server.h"

#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <deque>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.grpc.pb.h"

namespace maskd::transport {
namespace {

using EmptyService = v1::MaskingService::WithRawMethod_GenerateMask<v1::MaskingService::AsyncService>;

// Calls that the server waits for at a time: more than any client has in flight.
constexpr int kPlaces = 64;

// Takes one call after another.
class Place {
 public:
  Place(EmptyService* service, grpc::ServerCompletionQueue* queue) : service_(service), queue_(queue) {
    AwaitCall();
  }

  // What was waited for has happened, or never will if not `ok`.
  void Advance(bool ok) {
    if (awaiting_ && ok) {
      awaiting_ = false;
      call_->writer.Finish(empty_, grpc::Status::OK, this);
    } else {
      AwaitCall();
    }
  }

 private:
  struct Call {
    grpc::ServerContext context;
    grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> writer{&context};
    grpc::ByteBuffer request;
  };

  void AwaitCall() {
    awaiting_ = true;
    call_.emplace();
    service_->RequestGenerateMask(&call_->context, &call_->request, &call_->writer, queue_, queue_, this);
  }

  EmptyService* const service_;
  grpc::ServerCompletionQueue* const queue_;
  const grpc::Slice no_bytes_;
  const grpc::ByteBuffer empty_{&no_bytes_, 1};
  bool awaiting_ = false;
  std::optional<Call> call_;
};

class EmptyCallbackService final
    : public v1::MaskingService::WithRawCallbackMethod_GenerateMask<v1::MaskingService::Service> {
 public:
  grpc::ServerUnaryReactor* GenerateMask(grpc::CallbackServerContext* context, const grpc::ByteBuffer*,
                                         grpc::ByteBuffer* response) override {
    *response = empty_;
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const grpc::Slice no_bytes_;
  const grpc::ByteBuffer empty_{&no_bytes_, 1};
};

absl::StatusOr<std::unique_ptr<grpc::Server>> Listen(grpc::ServerBuilder& builder, grpc::Service& service) {
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::UnavailableError("the empty server cannot listen on 127.0.0.1");
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  return server;
}

}  // namespace

absl::Status ServeEmpty() {
  EmptyService service;
  grpc::ServerBuilder builder;
  const std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  MASKD_ASSIGN_OR_RETURN(const std::unique_ptr<grpc::Server> server, Listen(builder, service));
  std::deque<Place> places;
  for (int i = 0; i < kPlaces; ++i) places.emplace_back(&service, queue.get());
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) static_cast<Place*>(tag)->Advance(ok);
  return absl::OkStatus();
}

absl::Status ServeEmptyByCallbacks() {
  EmptyCallbackService service;
  grpc::ServerBuilder builder;
  MASKD_ASSIGN_OR_RETURN(const std::unique_ptr<grpc::Server> server, Listen(builder, service));
  server->Wait();
  return absl::OkStatus();
}

}  // namespace maskd::transport
