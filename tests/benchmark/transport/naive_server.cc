#include "tests/benchmark/transport/naive_server.h"

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>

#include "kernels/masker.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.grpc.pb.h"
#include "tests/benchmark/transport/batch.h"

namespace maskd::transport {
namespace {

std::byte* Resize(std::string* data, std::int64_t bytes) {
  data->resize(static_cast<std::size_t>(bytes));
  return reinterpret_cast<std::byte*>(data->data());
}

class NaiveService final : public v1::MaskingService::Service {
 public:
  explicit NaiveService(int num_threads) : masker_(MakeCpuMasker(num_threads)) {}

  grpc::Status RandomMasking(grpc::ServerContext*, const v1::RandomMaskingRequest* request,
                             v1::RandomMaskingResponse* response) override {
    const auto plan =
        MakeMaskingPlan(RandomMaskingSpec(request->layout().batch_size(), request->spec().seed()));
    if (!plan.ok() || request->tokens().size() != static_cast<std::size_t>(plan->tokens_bytes)) {
      return {grpc::StatusCode::INVALID_ARGUMENT, "not a batch of the benchmark"};
    }
    const ResultBytes& bytes = plan->result_bytes;
    v1::Masking& masking = *response->mutable_masking();
    const absl::Status status = masker_->Mask(
        *plan, {.tokens = reinterpret_cast<const std::byte*>(request->tokens().data()),
                .kept_tokens = Resize(response->mutable_kept_tokens(), bytes.kept_tokens),
                .mask = Resize(masking.mutable_mask()->mutable_data(), bytes.mask),
                .ids_restore = Resize(masking.mutable_ids_restore()->mutable_data(), bytes.ids_restore)});
    return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
  }

 private:
  const std::unique_ptr<Masker> masker_;
};

}  // namespace

absl::Status ServeNaive(int num_threads) {
  NaiveService service(num_threads);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::UnavailableError("the naive server cannot listen on 127.0.0.1");
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  server->Wait();
  return absl::OkStatus();
}

}  // namespace maskd::transport
