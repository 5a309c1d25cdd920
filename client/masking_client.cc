#include "client/masking_client.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/attempt.h"
#include "client/batch_parts.h"
#include "client/borrowed_bytes.h"
#include "client/connection.h"
#include "client/decode_response.h"
#include "client/encode_request.h"
#include "grpc/health/v1/health.pb.h"
#include "kernels/masking_parts.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.grpc.pb.h"
#include "proto/field_head.h"

namespace maskd {
namespace {

constexpr char kRandomMasking[] = "/maskd.v1.MaskingService/RandomMasking";
constexpr char kGetServerInfo[] = "/maskd.v1.MaskingService/GetServerInfo";
constexpr char kCheckHealth[] = "/grpc.health.v1.Health/Check";

// Memory for the results that `plan` selects.
MaskingBuffers Allocate(const MaskingPlan& plan, MaskedBatch& batch) {
  const auto allocate = [](std::string& result, std::int64_t bytes) {
    result.resize(static_cast<std::size_t>(bytes));
    return reinterpret_cast<std::byte*>(result.data());
  };
  const ResultBytes& bytes = plan.result_bytes;
  return {.tokens = nullptr,
          .kept_tokens = allocate(batch.kept_tokens, bytes.kept_tokens),
          .mask = allocate(batch.mask, bytes.mask),
          .ids_restore = allocate(batch.ids_restore, bytes.ids_restore),
          .ids_keep = allocate(batch.ids_keep, bytes.ids_keep),
          .ids_mask = allocate(batch.ids_mask, bytes.ids_mask),
          .noise = allocate(batch.noise, bytes.noise)};
}

// Calls `mask` with memory for the results of `spec`, which is allocated when the
// server has agreed to them.
template <typename Mask>
absl::StatusOr<MaskedBatch> MaskIntoBatch(const MaskingSpec& spec, const Mask& mask) {
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  MaskedBatch batch;
  MASKD_ASSIGN_OR_RETURN(const MaskingFacts facts, mask([&plan, &batch] { return Allocate(plan, batch); }));
  batch.num_keep = facts.num_keep;
  batch.algorithm_version = facts.algorithm_version;
  batch.backend = facts.backend;
  return batch;
}

// Makes one attempt of a call whose messages have no payloads.
absl::Status CallSmall(Connection& connection, const char* method,
                       const google::protobuf::MessageLite& request, const CallScope& scope,
                       google::protobuf::MessageLite& response) {
  const grpc::Slice slice(request.SerializeAsString());
  grpc::ByteBuffer bytes;
  const Outcome outcome = CallUnary(connection, method, grpc::ByteBuffer(&slice, 1), 0, scope, &bytes);
  return outcome.status.ok() ? ParseResponse(bytes, response) : outcome.status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<MaskingClient>> MaskingClient::Connect(const std::string& address,
                                                                      const Options& options) {
  MASKD_RETURN_IF_ERROR(CheckAddress(address));
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < std::max(1, options.connections); ++i) connections.push_back(Dial(address, options));
  return std::unique_ptr<MaskingClient>(new MaskingClient(std::move(connections), options));
}

MaskingClient::MaskingClient(std::vector<std::unique_ptr<Connection>> connections, const Options& options)
    : options_(options), connections_(std::move(connections)) {}

MaskingClient::MaskingClient(std::shared_ptr<grpc::Channel> channel, const Options& options)
    : MaskingClient(
          [&channel] {
            std::vector<std::unique_ptr<Connection>> connections;
            connections.push_back(std::make_unique<Connection>(std::move(channel)));
            return connections;
          }(),
          options) {}

MaskingClient::~MaskingClient() = default;

absl::StatusOr<MaskingFacts> MaskingClient::RandomMasking(const MaskingSpec& spec,
                                                          std::span<const std::byte> tokens,
                                                          const MaskingBuffers& results,
                                                          const CallLimits& limits) {
  return Mask(
      spec, tokens, [&results] { return results; }, limits);
}

absl::StatusOr<MaskedBatch> MaskingClient::RandomMasking(const MaskingSpec& spec,
                                                         std::span<const std::byte> tokens,
                                                         const CallLimits& limits) {
  return MaskIntoBatch(spec, [&](const Results& results) { return Mask(spec, tokens, results, limits); });
}

absl::StatusOr<MaskingFacts> MaskingClient::Mask(const MaskingSpec& spec, std::span<const std::byte> tokens,
                                                 const Results& results, const CallLimits& limits) {
  // The plan says how large the results are.
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  MASKD_RETURN_IF_ERROR(CheckTokens(plan, tokens));
  const CallScope scope = BeginCall(options_, limits);
  MaskingFacts facts;
  const bool streamed =
      plan.tokens_bytes + plan.result_bytes.total() >= options_.stream_from_bytes && CanStream(spec);
  MASKD_RETURN_IF_ERROR(streamed ? MaskStreamed(spec, plan, tokens, results(), scope, facts)
                                 : MaskUnary(spec, plan, tokens, results, scope, facts));
  return facts;
}

absl::Status MaskingClient::MaskUnary(const MaskingSpec& spec, const MaskingPlan& plan,
                                      std::span<const std::byte> tokens, const Results& results,
                                      const CallScope& scope, MaskingFacts& facts) {
  BorrowedBytes borrowed(tokens);
  Connection& connection = *connections_.front();
  const std::string fields =
      EncodeRandomMasking(spec).SerializeAsString() + EncodePayloadHead(plan.tokens_bytes);
  const std::int64_t call_bytes =
      static_cast<std::int64_t>(fields.size()) + plan.tokens_bytes + plan.result_bytes.total();
  const absl::Status status =
      Retry(scope, options_.max_attempts, options_.wait_for_room, [&](const CallScope& attempt) {
        const grpc::Slice slices[] = {grpc::Slice(fields), borrowed.ToSlice(0, borrowed.size())};
        grpc::ByteBuffer response;
        Outcome outcome = CallUnary(connection, kRandomMasking, grpc::ByteBuffer(slices, 2), call_bytes,
                                    attempt, &response);
        if (outcome.status.ok()) outcome.status = DecodeRandomMasking(response, plan, results(), facts);
        return outcome;
      });
  TakeBack(borrowed, connection);
  return status;
}

absl::Status MaskingClient::MaskStreamed(const MaskingSpec& spec, const MaskingPlan& plan,
                                         std::span<const std::byte> tokens, const MaskingBuffers& results,
                                         const CallScope& scope, MaskingFacts& facts) {
  const std::size_t num_parts =
      CanBeCut(plan) ? std::min(connections_.size(), static_cast<std::size_t>(plan.batch_size)) : 1;
  const std::vector<double> equal(num_parts, 1);
  const auto mask_part = [&](std::size_t i, const BatchPart& part) -> absl::StatusOr<MaskingFacts> {
    Connection& connection = *connections_[i];
    BorrowedBytes borrowed(part.tokens);
    MaskingFacts part_facts;
    const absl::Status part_status =
        Retry(scope, options_.max_attempts, options_.wait_for_room, [&](const CallScope& attempt) {
          return CallStream(connection, part.spec, part.plan, borrowed, part.results, attempt, part_facts);
        });
    TakeBack(borrowed, connection);
    MASKD_RETURN_IF_ERROR(part_status);
    return part_facts;
  };
  MASKD_ASSIGN_OR_RETURN(
      facts, MaskParts(spec, plan, tokens, results, ShareOut(plan.batch_size, 1, equal), mask_part));
  return absl::OkStatus();
}

absl::StatusOr<MaskingFacts> MaskingClient::GenerateMask(const MaskingSpec& spec,
                                                         const MaskingBuffers& results,
                                                         const CallLimits& limits) {
  return Draw(
      spec, [&results] { return results; }, limits);
}

absl::StatusOr<MaskedBatch> MaskingClient::GenerateMask(const MaskingSpec& spec, const CallLimits& limits) {
  return MaskIntoBatch(spec, [&](const Results& results) { return Draw(spec, results, limits); });
}

absl::StatusOr<MaskingFacts> MaskingClient::Draw(const MaskingSpec& spec, const Results& results,
                                                 const CallLimits& limits) {
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  const CallScope scope = BeginCall(options_, limits);
  const grpc::Slice slice(EncodeGenerateMask(spec).SerializeAsString());
  const grpc::ByteBuffer request(&slice, 1);
  MaskingFacts facts;
  MASKD_RETURN_IF_ERROR(
      Retry(scope, options_.max_attempts, options_.wait_for_room, [&](const CallScope& attempt) {
        grpc::ByteBuffer response;
        Outcome outcome =
            CallUnary(*connections_.front(), kGenerateMaskMethod, request, 0, attempt, &response);
        if (outcome.status.ok()) outcome.status = DecodeGenerateMask(response, plan, results(), facts);
        return outcome;
      }));
  return facts;
}

absl::StatusOr<ServerInfo> MaskingClient::GetServerInfo(const CallLimits& limits) {
  v1::GetServerInfoResponse response;
  MASKD_RETURN_IF_ERROR(CallSmall(*connections_.front(), kGetServerInfo, v1::GetServerInfoRequest(),
                                  BeginCall(options_, limits), response));
  ServerInfo info{
      .version = response.version(),
      .backend = response.backend(),
      .device_name = response.device_name(),
      .algorithm_version = response.algorithm_version(),
      .max_message_bytes = response.limits().max_message_bytes(),
      .max_sequence_length = response.limits().max_sequence_length(),
      .max_batch_tokens = response.limits().max_batch_tokens(),
      .max_element_bytes = response.limits().max_element_bytes(),
      .max_inflight_bytes = response.limits().max_inflight_bytes(),
  };
  for (const v1::Device& device : response.devices()) {
    info.devices.push_back({.id = device.id(),
                            .backend = device.backend(),
                            .name = device.name(),
                            .healthy = device.healthy(),
                            .error = device.error()});
  }
  return info;
}

absl::Status MaskingClient::CheckHealth(const CallLimits& limits) {
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(v1::MaskingService::service_full_name());
  grpc::health::v1::HealthCheckResponse response;
  const absl::Status status =
      CallSmall(*connections_.front(), kCheckHealth, request, BeginCall(options_, limits), response);
  if (absl::IsNotFound(status)) return absl::UnavailableError("the server there does not serve maskd");
  MASKD_RETURN_IF_ERROR(status);
  if (response.status() == grpc::health::v1::HealthCheckResponse::SERVING) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "the server says ", grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status())));
}

}  // namespace maskd
