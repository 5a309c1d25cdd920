#include "client/masking_client.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/encode_request.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "kernels/masking_plan.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

// The codes of both have the same numbers.
absl::Status FromGrpcStatus(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

// Takes the data of `tensor`, which must have `bytes` bytes.
absl::Status Take(absl::string_view name, std::string* data, std::int64_t bytes, std::string& result) {
  if (data->size() != static_cast<std::uint64_t>(bytes)) {
    return absl::InternalError(absl::StrCat("the server sent ", data->size(), " bytes as ", name, " where ",
                                            bytes, " were asked for"));
  }
  result = std::move(*data);
  return absl::OkStatus();
}

absl::StatusOr<MaskedBatch> DecodeMasking(const MaskingPlan& plan, v1::Masking* masking) {
  if (masking->num_keep() != plan.num_keep) {
    return absl::InternalError(absl::StrCat("the server kept ", masking->num_keep(), " tokens where ",
                                            plan.num_keep, " were asked for"));
  }
  MaskedBatch batch;
  batch.num_keep = masking->num_keep();
  batch.algorithm_version = masking->algorithm_version();
  batch.backend = masking->backend();
  const ResultBytes& bytes = plan.result_bytes;
  MASKD_RETURN_IF_ERROR(Take("mask", masking->mutable_mask()->mutable_data(), bytes.mask, batch.mask));
  MASKD_RETURN_IF_ERROR(Take("ids_restore", masking->mutable_ids_restore()->mutable_data(), bytes.ids_restore,
                             batch.ids_restore));
  MASKD_RETURN_IF_ERROR(
      Take("ids_keep", masking->mutable_ids_keep()->mutable_data(), bytes.ids_keep, batch.ids_keep));
  MASKD_RETURN_IF_ERROR(
      Take("ids_mask", masking->mutable_ids_mask()->mutable_data(), bytes.ids_mask, batch.ids_mask));
  MASKD_RETURN_IF_ERROR(Take("noise", masking->mutable_noise()->mutable_data(), bytes.noise, batch.noise));
  return batch;
}

}  // namespace

absl::StatusOr<std::unique_ptr<MaskingClient>> MaskingClient::Connect(const std::string& address,
                                                                      const Options& options) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("address is \"", address, "\"; it must be host:port or unix:path"));
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(
      static_cast<int>(std::min<std::int64_t>(options.max_message_bytes, std::numeric_limits<int>::max())));
  arguments.SetMaxSendMessageSize(-1);
  return std::make_unique<MaskingClient>(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments), options);
}

MaskingClient::MaskingClient(std::shared_ptr<grpc::Channel> channel, const Options& options)
    : options_(options), channel_(std::move(channel)), stub_(v1::MaskingService::NewStub(channel_)) {}

void MaskingClient::SetDeadline(grpc::ClientContext& context) const {
  context.set_deadline(std::chrono::system_clock::now() + options_.timeout);
}

absl::StatusOr<MaskedBatch> MaskingClient::RandomMasking(const MaskingSpec& spec,
                                                         std::span<const std::byte> tokens) {
  // The plan says how large the results are.
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  v1::RandomMaskingRequest request = EncodeRandomMaskingRequest(spec);
  request.set_tokens(tokens.data(), tokens.size());
  v1::RandomMaskingResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  MASKD_RETURN_IF_ERROR(FromGrpcStatus(stub_->RandomMasking(&context, request, &response)));
  MASKD_ASSIGN_OR_RETURN(MaskedBatch batch, DecodeMasking(plan, response.mutable_masking()));
  MASKD_RETURN_IF_ERROR(
      Take("kept_tokens", response.mutable_kept_tokens(), plan.result_bytes.kept_tokens, batch.kept_tokens));
  return batch;
}

absl::StatusOr<MaskedBatch> MaskingClient::GenerateMask(const MaskingSpec& spec) {
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  const v1::GenerateMaskRequest request = EncodeGenerateMaskRequest(spec);
  v1::GenerateMaskResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  MASKD_RETURN_IF_ERROR(FromGrpcStatus(stub_->GenerateMask(&context, request, &response)));
  return DecodeMasking(plan, response.mutable_masking());
}

absl::StatusOr<ServerInfo> MaskingClient::GetServerInfo() {
  v1::GetServerInfoResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  MASKD_RETURN_IF_ERROR(
      FromGrpcStatus(stub_->GetServerInfo(&context, v1::GetServerInfoRequest(), &response)));
  return ServerInfo{
      .version = response.version(),
      .backend = response.backend(),
      .device_name = response.device_name(),
      .algorithm_version = response.algorithm_version(),
      .max_message_bytes = response.limits().max_message_bytes(),
      .max_sequence_length = response.limits().max_sequence_length(),
      .max_batch_tokens = response.limits().max_batch_tokens(),
      .max_element_bytes = response.limits().max_element_bytes(),
  };
}

absl::Status MaskingClient::CheckHealth() {
  const auto stub = grpc::health::v1::Health::NewStub(channel_);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(v1::MaskingService::service_full_name());
  grpc::health::v1::HealthCheckResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  const absl::Status status = FromGrpcStatus(stub->Check(&context, request, &response));
  if (absl::IsNotFound(status)) return absl::UnavailableError("the server there does not serve maskd");
  MASKD_RETURN_IF_ERROR(status);
  if (response.status() == grpc::health::v1::HealthCheckResponse::SERVING) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "the server says ", grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status())));
}

}  // namespace maskd
