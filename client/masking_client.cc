#include "client/masking_client.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/attempt.h"
#include "client/borrowed_bytes.h"
#include "client/connection.h"
#include "client/decode_response.h"
#include "client/encode_request.h"
#include "client/status_adapter.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "kernels/masking_parts.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.grpc.pb.h"
#include "proto/field_head.h"

namespace maskd {
namespace {

constexpr char kRandomMasking[] = "/maskd.v1.MaskingService/RandomMasking";
constexpr char kGenerateMask[] = "/maskd.v1.MaskingService/GenerateMask";

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

// How many of `connections` the samples of a batch are split over. The draws of
// torch are one stream, which parts can skip into only so far.
std::int64_t PartsOf(const MaskingPlan& plan, std::size_t connections) {
  const std::uint64_t draws = static_cast<std::uint64_t>(plan.batch_size * plan.sequence_length);
  if (plan.noise_source == NoiseSource::kTorchCpu && plan.torch_skip + draws > kMaxTorchSkip) return 1;
  return std::min<std::int64_t>(plan.batch_size, static_cast<std::int64_t>(connections));
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
  if (tokens.size() != static_cast<std::uint64_t>(plan.tokens_bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tokens has ", tokens.size(), " bytes; the layout of the spec has ", plan.tokens_bytes));
  }
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
  const absl::Status status = Retry(scope, options_.max_attempts, [&] {
    const grpc::Slice slices[] = {grpc::Slice(fields), borrowed.ToSlice(0, borrowed.size())};
    grpc::ByteBuffer response;
    Outcome outcome =
        CallUnary(connection, kRandomMasking, grpc::ByteBuffer(slices, 2), call_bytes, scope, &response);
    if (outcome.status.ok()) outcome.status = DecodeRandomMasking(response, plan, results(), facts);
    return outcome;
  });
  TakeBack(borrowed, connection);
  return status;
}

absl::Status MaskingClient::MaskStreamed(const MaskingSpec& spec, const MaskingPlan& plan,
                                         std::span<const std::byte> tokens, const MaskingBuffers& results,
                                         const CallScope& scope, MaskingFacts& facts) {
  const auto mask_on = [&](Connection& connection, const MaskingSpec& part_spec, const MaskingPlan& part_plan,
                           std::span<const std::byte> part_tokens, const MaskingBuffers& part_results,
                           MaskingFacts& part_facts) {
    BorrowedBytes borrowed(part_tokens);
    const absl::Status status = Retry(scope, options_.max_attempts, [&] {
      return CallStream(connection, part_spec, part_plan, borrowed, part_results, scope, part_facts);
    });
    TakeBack(borrowed, connection);
    return status;
  };
  const std::int64_t num_parts = PartsOf(plan, connections_.size());
  if (num_parts == 1) return mask_on(*connections_.front(), spec, plan, tokens, results, facts);

  std::vector<absl::Status> statuses(static_cast<std::size_t>(num_parts));
  std::vector<MaskingFacts> all_facts(statuses.size());
  const auto mask_part = [&](std::int64_t i) -> absl::Status {
    const std::int64_t first = plan.batch_size * i / num_parts;
    const std::int64_t last = plan.batch_size * (i + 1) / num_parts;
    const auto sample_bytes = static_cast<std::size_t>(plan.tokens_bytes / plan.batch_size);
    const MaskingSpec part_spec = SpecOfSamples(spec, first, last - first);
    MASKD_ASSIGN_OR_RETURN(const MaskingPlan part_plan, MakeMaskingPlan(part_spec));
    return mask_on(*connections_[static_cast<std::size_t>(i)], part_spec, part_plan,
                   tokens.subspan(static_cast<std::size_t>(first) * sample_bytes,
                                  static_cast<std::size_t>(last - first) * sample_bytes),
                   ResultsOfSamples(plan, results, first), all_facts[static_cast<std::size_t>(i)]);
  };
  {
    std::vector<std::jthread> threads;
    for (std::int64_t i = 0; i < num_parts; ++i) {
      threads.emplace_back(
          [&statuses, &mask_part, i] { statuses[static_cast<std::size_t>(i)] = mask_part(i); });
    }
  }
  for (const absl::Status& status : statuses) MASKD_RETURN_IF_ERROR(status);
  facts = all_facts.front();
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
  MASKD_RETURN_IF_ERROR(Retry(scope, options_.max_attempts, [&] {
    grpc::ByteBuffer response;
    Outcome outcome = CallUnary(*connections_.front(), kGenerateMask, request, 0, scope, &response);
    if (outcome.status.ok()) outcome.status = DecodeGenerateMask(response, plan, results(), facts);
    return outcome;
  }));
  return facts;
}

absl::StatusOr<ServerInfo> MaskingClient::GetServerInfo() {
  const auto stub = v1::MaskingService::NewStub(connections_.front()->channel());
  v1::GetServerInfoResponse response;
  grpc::ClientContext context;
  context.set_deadline(BeginCall(options_, {}).deadline);
  MASKD_RETURN_IF_ERROR(FromGrpcStatus(stub->GetServerInfo(&context, v1::GetServerInfoRequest(), &response)));
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

absl::Status MaskingClient::CheckHealth() {
  const auto stub = grpc::health::v1::Health::NewStub(connections_.front()->channel());
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(v1::MaskingService::service_full_name());
  grpc::health::v1::HealthCheckResponse response;
  grpc::ClientContext context;
  context.set_deadline(BeginCall(options_, {}).deadline);
  const absl::Status status = FromGrpcStatus(stub->Check(&context, request, &response));
  if (absl::IsNotFound(status)) return absl::UnavailableError("the server there does not serve maskd");
  MASKD_RETURN_IF_ERROR(status);
  if (response.status() == grpc::health::v1::HealthCheckResponse::SERVING) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "the server says ", grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status())));
}

}  // namespace maskd
