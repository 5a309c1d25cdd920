#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/attempt.h"
#include "client/decode_response.h"
#include "client/encode_request.h"
#include "client/status_adapter.h"
#include "kernels/masking_parts.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

constexpr char kMethod[] = "/maskd.v1.MaskingService/StreamRandomMasking";

// Tokens of one message: a few copies of the kernel's, so that what it costs
// does not show, and little enough to stay in a cache until it is gathered.
constexpr std::int64_t kChunkBytes = std::int64_t{2} << 20;

// What a header may have of noise and sample ids. Servers take 1 MiB.
constexpr std::int64_t kHeaderBytes = std::int64_t{1000} << 10;

// What one sample adds to a header.
std::int64_t HeaderBytesOfSample(const MaskingSpec& spec) {
  return (spec.sample_ids.has_value() ? 8 : 0) +
         (spec.noise_source == NoiseSource::kProvided ? spec.sequence_length * 4 : 0);
}

// Samples whose noise and ids fit in one header.
std::int64_t SamplesOfHeader(const MaskingSpec& spec) {
  const std::int64_t bytes = HeaderBytesOfSample(spec);
  if (bytes == 0) return spec.batch_size;
  return std::clamp<std::int64_t>(kHeaderBytes / bytes, 1, spec.batch_size);
}

// The messages that a batch is sent as, one after another. To the server it is
// one batch, or several if its noise and ids do not fit in one header.
class Messages {
 public:
  Messages(const MaskingSpec& spec, const MaskingPlan& plan, BorrowedBytes& tokens)
      : spec_(spec),
        sample_bytes_(plan.tokens_bytes / plan.batch_size),
        tokens_(tokens),
        samples_of_header_(SamplesOfHeader(spec)) {}

  std::int64_t samples_of_header() const { return samples_of_header_; }

  bool done() const { return sent_ == static_cast<std::int64_t>(tokens_.size()); }

  grpc::ByteBuffer Next() {
    if (sent_ == headers_end_) return NextHeader();
    const std::int64_t size = std::min(kChunkBytes, headers_end_ - sent_);
    const grpc::Slice slices[] = {
        grpc::Slice(EncodePayloadHead(size)),
        tokens_.ToSlice(static_cast<std::size_t>(sent_), static_cast<std::size_t>(size))};
    sent_ += size;
    return {slices, 2};
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

  absl::Status Take(const grpc::ByteBuffer& message) {
    const std::int64_t first = batch_index_ * samples_of_header_;
    const std::int64_t count = std::min(samples_of_header_, plan_.batch_size - first);
    if (count <= 0) return absl::InternalError("the server sent more parts than were asked for");
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

bool CanStream(const MaskingSpec& spec) { return HeaderBytesOfSample(spec) <= kHeaderBytes; }

Outcome CallStream(Connection& connection, const MaskingSpec& spec, const MaskingPlan& plan,
                   BorrowedBytes& tokens, const MaskingBuffers& results, const CallScope& scope,
                   MaskingFacts& facts) {
  enum Tag : std::intptr_t { kStarted = 1, kHeaderWritten, kAdmitted, kWritten, kRead, kFinished };
  const auto tag_of = [](Tag tag) { return reinterpret_cast<void*>(tag); };

  grpc::ClientContext context;
  context.set_deadline(scope.deadline);
  const std::stop_callback cancel(scope.stop, [&context] { context.TryCancel(); });
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(connection.channel());
  const auto stream = stub.PrepareCall(&context, kMethod, &queue);

  Messages messages(spec, plan, tokens);
  Parts parts(spec, plan, results, messages.samples_of_header(), facts);
  grpc::ByteBuffer incoming;
  absl::Status fault;  // of the server's
  grpc::Status status;
  // One thread sends and receives: after each event the next operation of its
  // kind starts, until reads fail, which they do when the status has come. The
  // tokens wait until the server has room for them, and says so with its initial
  // metadata.
  stream->StartCall(tag_of(kStarted));
  int under_way = 1;
  bool writable = true;
  int before_tokens = 2;  // events: the header has gone, and was admitted
  const auto write_next = [&] {
    if (!writable) return;
    ++under_way;
    if (messages.done()) {
      writable = false;
      stream->WritesDone(tag_of(kWritten));
    } else {
      stream->Write(messages.Next(), tag_of(kWritten));
    }
  };
  void* tag = nullptr;
  bool ok = false;
  while (under_way > 0 && queue.Next(&tag, &ok)) {
    --under_way;
    switch (static_cast<Tag>(reinterpret_cast<std::intptr_t>(tag))) {
      case kStarted:
        stream->ReadInitialMetadata(tag_of(kAdmitted));
        stream->Write(messages.Next(), tag_of(kHeaderWritten));
        under_way += 2;
        break;
      case kAdmitted:
        stream->Read(&incoming, tag_of(kRead));
        ++under_way;
        [[fallthrough]];
      case kHeaderWritten:
        writable &= ok;
        if (--before_tokens == 0) write_next();
        break;
      case kWritten:
        writable &= ok;
        write_next();
        break;
      case kRead:
        if (ok && fault.ok()) {
          fault = parts.Take(incoming);
          if (!fault.ok()) context.TryCancel();
        }
        incoming.Clear();
        if (ok) {
          stream->Read(&incoming, tag_of(kRead));
        } else {
          stream->Finish(&status, tag_of(kFinished));
        }
        ++under_way;
        break;
      case kFinished:
        break;
    }
  }
  if (!fault.ok()) return {.status = fault};
  if (status.ok() && !parts.done())
    return {.status = absl::InternalError("the server ended the stream before the last part")};
  return ToOutcome(status);
}

}  // namespace maskd
