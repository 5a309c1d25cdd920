#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/attempt.h"
#include "client/decode_response.h"
#include "client/encode_request.h"
#include "client/run_stream.h"
#include "kernels/masking_parts.h"
#include "kernels/status_macros.h"
#include "proto/field_head.h"

namespace maskd {
namespace {

constexpr char kMethod[] = "/maskd.v1.MaskingService/StreamRandomMasking";

// What one sample adds to a header.
std::int64_t HeaderBytesOfSample(const MaskingSpec& spec) {
  return (spec.sample_ids.has_value() ? 8 : 0) +
         (spec.noise_source == NoiseSource::kProvided ? spec.sequence_length * 4 : 0);
}

// Samples whose noise and ids fit in one header.
std::int64_t SamplesOfHeader(const MaskingSpec& spec) {
  const std::int64_t bytes = HeaderBytesOfSample(spec);
  if (bytes == 0) return spec.batch_size;
  return std::clamp<std::int64_t>(kStreamHeaderBytes / bytes, 1, spec.batch_size);
}

// The messages that a batch is sent as, one after another. To the server it is
// one batch, or several if its noise and ids do not fit in one header.
class Messages {
 public:
  Messages(const MaskingSpec& spec, const MaskingPlan& plan, BorrowedBytes& tokens)
      : spec_(spec),
        sample_bytes_(plan.tokens_bytes / plan.batch_size),
        unanswered_bytes_(kStreamUnansweredBytes + sample_bytes_),
        tokens_(tokens),
        samples_of_header_(SamplesOfHeader(spec)) {}

  std::int64_t samples_of_header() const { return samples_of_header_; }

  // Whether so little is unanswered that the next may go, when the results of all
  // samples before `next_sample` have come.
  bool MayGo(std::int64_t next_sample) const {
    return sent_ == static_cast<std::int64_t>(tokens_.size()) ||
           sent_ - next_sample * sample_bytes_ < unanswered_bytes_;
  }

  // Nothing: all have gone.
  std::optional<grpc::ByteBuffer> Next() {
    if (sent_ == static_cast<std::int64_t>(tokens_.size())) return std::nullopt;
    if (sent_ == headers_end_) return NextHeader();
    const std::int64_t size = std::min(tokens_.ChunkBytes(sent_, kStreamChunkBytes), headers_end_ - sent_);
    const grpc::Slice slices[] = {
        grpc::Slice(EncodePayloadHead(size)),
        tokens_.ToSlice(static_cast<std::size_t>(sent_), static_cast<std::size_t>(size))};
    sent_ += size;
    return grpc::ByteBuffer(slices, 2);
  }

 private:
  grpc::ByteBuffer NextHeader() {
    const std::int64_t first = sent_ / sample_bytes_;
    const std::int64_t count = std::min(samples_of_header_, spec_.batch_size - first);
    headers_end_ = (first + count) * sample_bytes_;
    v1::StreamRandomMaskingRequest request;
    EncodeBatchHeader(count == spec_.batch_size ? spec_ : SpecOfSamples(spec_, first, count),
                      *request.mutable_header());
    const grpc::Slice slice(request.SerializeAsString());
    return {&slice, 1};
  }

  const MaskingSpec& spec_;
  const std::int64_t sample_bytes_;
  const std::int64_t unanswered_bytes_;  // a server answers whole samples
  BorrowedBytes& tokens_;
  const std::int64_t samples_of_header_;
  std::int64_t sent_ = 0;         // bytes of tokens
  std::int64_t headers_end_ = 0;  // bytes of tokens that headers have been sent for
};

// The parts that come back.
class Parts {
 public:
  Parts(const MaskingSpec& spec, const MaskingPlan& plan, const MaskingBuffers& results,
        std::int64_t samples_of_header, MaskingFacts& facts)
      : spec_(spec), plan_(plan), results_(results), samples_of_header_(samples_of_header), facts_(facts) {}

  bool done() const { return next_sample_ == plan_.batch_size; }
  // Results of all samples before it have come.
  std::int64_t next_sample() const { return next_sample_; }

  absl::Status Take(const grpc::ByteBuffer& message) {
    const std::int64_t first = batch_index_ * samples_of_header_;
    const std::int64_t count = std::min(samples_of_header_, plan_.batch_size - first);
    if (count <= 0) return MalformedAnswer("the server sent more parts than were asked for");
    std::int64_t next = next_sample_ - first;
    if (count == plan_.batch_size) {
      MASKD_RETURN_IF_ERROR(DecodeStreamPart(message, plan_, 0, results_, &next, facts_));
    } else {
      MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(SpecOfSamples(spec_, first, count)));
      MASKD_RETURN_IF_ERROR(DecodeStreamPart(message, plan, batch_index_,
                                             ResultsOfSamples(plan_, results_, first), &next, facts_));
    }
    next_sample_ = first + next;
    if (next == count) ++batch_index_;
    return absl::OkStatus();
  }

 private:
  const MaskingSpec& spec_;
  const MaskingPlan& plan_;
  const MaskingBuffers& results_;
  const std::int64_t samples_of_header_;
  MaskingFacts& facts_;
  std::int64_t batch_index_ = 0;
  std::int64_t next_sample_ = 0;
};

}  // namespace

bool CanStream(const MaskingSpec& spec) { return HeaderBytesOfSample(spec) <= kStreamHeaderBytes; }

Outcome CallStream(Connection& connection, const MaskingSpec& spec, const MaskingPlan& plan,
                   BorrowedBytes& tokens, const MaskingBuffers& results, const CallScope& scope,
                   MaskingFacts& facts) {
  Messages messages(spec, plan, tokens);
  Parts parts(spec, plan, results, messages.samples_of_header(), facts);
  return RunStream(connection, kMethod, scope,
                   {.next = [&messages] { return messages.Next(); },
                    .take = [&parts](const grpc::ByteBuffer& message) { return parts.Take(message); },
                    .done = [&parts] { return parts.done(); },
                    .may_send = [&] { return messages.MayGo(parts.next_sample()); }});
}

}  // namespace maskd
