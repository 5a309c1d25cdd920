#include "client/decode_response.h"

#include <google/protobuf/arena.h>

#include <cstddef>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.pb.h"
#include "proto/handover.h"
#include "proto/message_scanner.h"
#include "proto/message_slices.h"

namespace maskd {
namespace {

// The payload of a status of MalformedAnswer.
constexpr char kMalformed[] = "maskd/malformed-answer";

// What protobuf parses at most.
constexpr std::size_t kMaxMessageBytes = std::numeric_limits<int>::max();

absl::Status CheckSize(absl::string_view name, std::int64_t size, std::int64_t bytes) {
  if (size == bytes) return absl::OkStatus();
  return MalformedAnswer(
      absl::StrCat("the server sent ", size, " bytes as ", name, " where ", bytes, " were asked for"));
}

absl::Status Copy(absl::string_view name, const std::string& data, std::int64_t bytes, std::byte* result) {
  MASKD_RETURN_IF_ERROR(CheckSize(name, static_cast<std::int64_t>(data.size()), bytes));
  if (bytes > 0) std::memcpy(result, data.data(), data.size());
  return absl::OkStatus();
}

// Of `count` of the samples of `plan`.
absl::Status CopyMasking(const v1::Masking& masking, const MaskingPlan& plan, std::int64_t count,
                         const MaskingBuffers& results, MaskingFacts& facts) {
  if (masking.num_keep() != plan.num_keep) {
    return MalformedAnswer(absl::StrCat("the server kept ", masking.num_keep(), " tokens where ",
                                        plan.num_keep, " were asked for"));
  }
  const ResultBytes& all = plan.result_bytes;
  const auto share = [&plan, count](std::int64_t bytes) { return bytes / plan.batch_size * count; };
  MASKD_RETURN_IF_ERROR(Copy("mask", masking.mask().data(), share(all.mask), results.mask));
  MASKD_RETURN_IF_ERROR(
      Copy("ids_restore", masking.ids_restore().data(), share(all.ids_restore), results.ids_restore));
  MASKD_RETURN_IF_ERROR(Copy("ids_keep", masking.ids_keep().data(), share(all.ids_keep), results.ids_keep));
  MASKD_RETURN_IF_ERROR(Copy("ids_mask", masking.ids_mask().data(), share(all.ids_mask), results.ids_mask));
  MASKD_RETURN_IF_ERROR(Copy("noise", masking.noise().data(), share(all.noise), results.noise));
  facts.num_keep = masking.num_keep();
  facts.algorithm_version = masking.algorithm_version();
  facts.backend = masking.backend();
  return absl::OkStatus();
}

absl::Status CopyKeptTokens(const ScannedMessage& message, const MaskingPlan& plan, std::int64_t count,
                            const MaskingBuffers& results) {
  const std::int64_t bytes = plan.result_bytes.kept_tokens / plan.batch_size * count;
  MASKD_RETURN_IF_ERROR(CheckSize("kept_tokens", message.payload.bytes, bytes));
  std::byte* at = results.kept_tokens;
  for (const Fragment fragment : message.payload.fragments) {
    std::memcpy(at, fragment.data(), fragment.size());
    at += fragment.size();
  }
  return absl::OkStatus();
}

absl::Status NotSerialized(const google::protobuf::MessageLite& message) {
  return MalformedAnswer(absl::StrCat("the server sent no serialized ", message.GetTypeName()));
}

// A response with its payload where gRPC received it.
template <typename Fields>
struct Received {
  explicit Received(const grpc::ByteBuffer& bytes)
      : slices(bytes), message(ScanMessage(slices.fragments())) {}

  absl::Status Parse() {
    if (message.has_value() && fields.ParseFromString(message->fields)) return absl::OkStatus();
    return NotSerialized(fields);
  }

  const MessageSlices slices;
  const std::optional<ScannedMessage> message;
  Fields fields;
};

}  // namespace

absl::Status MalformedAnswer(absl::string_view message) {
  absl::Status status = absl::InternalError(message);
  status.SetPayload(kMalformed, absl::Cord());
  return status;
}

bool IsMalformedAnswer(const absl::Status& status) { return status.GetPayload(kMalformed).has_value(); }

MaskingBuffers ResultsOfSamples(const MaskingPlan& plan, const MaskingBuffers& results, std::int64_t first) {
  const ResultBytes& all = plan.result_bytes;
  const auto from = [&plan, first](std::byte* result, std::int64_t bytes) {
    return result == nullptr ? nullptr : result + bytes / plan.batch_size * first;
  };
  return {.tokens = nullptr,
          .kept_tokens = from(results.kept_tokens, all.kept_tokens),
          .mask = from(results.mask, all.mask),
          .ids_restore = from(results.ids_restore, all.ids_restore),
          .ids_keep = from(results.ids_keep, all.ids_keep),
          .ids_mask = from(results.ids_mask, all.ids_mask),
          .noise = from(results.noise, all.noise)};
}

absl::Status ParseResponse(const grpc::ByteBuffer& response, google::protobuf::MessageLite& message) {
  grpc::Slice bytes;
  if (!response.TrySingleSlice(&bytes).ok() && !response.DumpToSingleSlice(&bytes).ok())
    return NotSerialized(message);
  TakeFromGrpc(bytes.begin());
  if (bytes.size() > kMaxMessageBytes ||
      !message.ParseFromArray(bytes.begin(), static_cast<int>(bytes.size())))
    return NotSerialized(message);
  return absl::OkStatus();
}

absl::Status DecodeGenerateMask(const grpc::ByteBuffer& response, const MaskingPlan& plan,
                                const MaskingBuffers& results, MaskingFacts& facts) {
  alignas(std::max_align_t) char first[1024];
  google::protobuf::Arena arena(first, sizeof(first));
  auto& message = *google::protobuf::Arena::CreateMessage<v1::GenerateMaskResponse>(&arena);
  MASKD_RETURN_IF_ERROR(ParseResponse(response, message));
  return CopyMasking(message.masking(), plan, plan.batch_size, results, facts);
}

absl::Status DecodeRandomMasking(const grpc::ByteBuffer& response, const MaskingPlan& plan,
                                 const MaskingBuffers& results, MaskingFacts& facts) {
  Received<v1::RandomMaskingResponse> received(response);
  MASKD_RETURN_IF_ERROR(received.Parse());
  MASKD_RETURN_IF_ERROR(CopyMasking(received.fields.masking(), plan, plan.batch_size, results, facts));
  return CopyKeptTokens(*received.message, plan, plan.batch_size, results);
}

absl::Status DecodeStreamPart(const grpc::ByteBuffer& response, const MaskingPlan& plan,
                              std::int64_t batch_index, const MaskingBuffers& results,
                              std::int64_t* next_sample, MaskingFacts& facts) {
  Received<v1::StreamRandomMaskingResponse> received(response);
  MASKD_RETURN_IF_ERROR(received.Parse());
  const v1::StreamRandomMaskingResponse& part = received.fields;
  if (part.batch_index() != batch_index || part.first_sample() != *next_sample || part.num_samples() < 1 ||
      part.num_samples() > plan.batch_size - *next_sample) {
    return MalformedAnswer(absl::StrCat(
        "the server sent ", part.num_samples(), " samples from ", part.first_sample(), " on of batch ",
        part.batch_index(), " where those from ", *next_sample, " on of batch ", batch_index, " were next"));
  }
  const MaskingBuffers to = ResultsOfSamples(plan, results, *next_sample);
  MASKD_RETURN_IF_ERROR(CopyMasking(part.masking(), plan, part.num_samples(), to, facts));
  MASKD_RETURN_IF_ERROR(CopyKeptTokens(*received.message, plan, part.num_samples(), to));
  *next_sample += part.num_samples();
  return absl::OkStatus();
}

}  // namespace maskd
