#include <grpcpp/grpcpp.h>

#include <memory>
#include <span>
#include <string>

#include "client/encode_request.h"
#include "maskd/v1/masking_service.grpc.pb.h"
#include "tests/benchmark/transport/masking_path.h"

namespace maskd::transport {
namespace {

std::span<const std::byte> BytesOf(const std::string& data) { return std::as_bytes(std::span(data)); }

class NaivePath final : public MaskingPath {
 public:
  explicit NaivePath(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    stub_ = v1::MaskingService::NewStub(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  }

  absl::StatusOr<ResultSpans> Mask(const MaskingSpec& spec, std::span<const std::byte> tokens) override {
    v1::RandomMaskingRequest request = EncodeRandomMasking(spec);
    request.set_tokens(tokens.data(), tokens.size());
    response_ = v1::RandomMaskingResponse();
    grpc::ClientContext context;
    const grpc::Status status = stub_->RandomMasking(&context, request, &response_);
    if (!status.ok()) return absl::InternalError(status.error_message());
    return ResultSpans{.mask = BytesOf(response_.masking().mask().data()),
                       .ids_restore = BytesOf(response_.masking().ids_restore().data()),
                       .kept_tokens = BytesOf(response_.kept_tokens())};
  }

 private:
  std::unique_ptr<v1::MaskingService::Stub> stub_;
  v1::RandomMaskingResponse response_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MaskingPath>> ConnectNaive(const PathTarget& target) {
  return std::make_unique<NaivePath>(target.address);
}

}  // namespace maskd::transport
