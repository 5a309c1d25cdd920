#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.pb.h"
#include "proto/message_scanner.h"
#include "proto/message_slices.h"
#include "server/calls.h"
#include "server/limits.h"
#include "server/retry_delay.h"
#include "server/streamed_batch.h"

namespace maskd {
namespace {

// A message of the stream, with its tokens where gRPC received them.
struct Received {
  explicit Received(const grpc::ByteBuffer& bytes) : slices(bytes) {}

  MessageSlices slices;
  ScannedMessage message;
  v1::StreamRandomMaskingRequest fields;
};

absl::StatusOr<std::unique_ptr<Received>> Decode(const grpc::ByteBuffer& bytes) {
  auto received = std::make_unique<Received>(bytes);
  std::optional<ScannedMessage> message = ScanMessage(received->slices.fragments());
  if (!message.has_value() || !received->fields.ParseFromString(message->fields)) {
    return absl::InvalidArgumentError(
        "a message of the stream is no serialized maskd.v1.StreamRandomMaskingRequest");
  }
  received->message = *std::move(message);
  return received;
}

// What a stream has done, and what it holds while batches are under way.
class Stream {
 public:
  Stream(CallParts& parts, CallRecord& record) : parts_(parts), record_(record) {}

  StreamedBatch* batch() const { return batch_.get(); }

  // Makes room for what `received` begins, and checks that its tokens are what
  // is to come.
  absl::Status Admit(Received& received) {
    const std::int64_t bytes = received.message.payload.bytes;
    if (received.fields.has_header()) MASKD_RETURN_IF_ERROR(BeginBatch(received));
    if (bytes > kMaxChunkBytes) {
      return absl::InvalidArgumentError(absl::StrCat("tokens of one message have ", bytes,
                                                     " bytes; they may have ", kMaxChunkBytes,
                                                     ", send smaller chunks"));
    }
    if (bytes == 0) return absl::OkStatus();
    if (batch_ == nullptr) return absl::InvalidArgumentError("tokens come, and no batch has begun");
    if (bytes > batch_->bytes_left()) {
      return absl::InvalidArgumentError(absl::StrCat("the tokens of batch ", batch_->index(), " go on for ",
                                                     bytes - batch_->bytes_left(), " bytes after the ",
                                                     batch_->tokens_bytes(), " of its header"));
    }
    return absl::OkStatus();
  }

  // To be called when all tokens of the batch have been taken.
  void EndBatch() {
    record_.CountBatch(batch_->noise_source());
    batch_.reset();
  }

  // To be called when all parts have gone.
  void Rest() {
    reservation_.GiveBack();
    pass_.reset();
  }

  // What it means that no more messages come.
  absl::Status StatusAtEnd() const {
    if (batch_ == nullptr) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("the stream ended ", batch_->bytes_left(),
                                                   " bytes before the ", batch_->tokens_bytes(),
                                                   " of the tokens of batch ", batch_->index()));
  }

 private:
  absl::Status BeginBatch(Received& received) {
    if (batch_ != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("a header comes ", batch_->bytes_left(),
                                                     " bytes before the end of the tokens of batch ",
                                                     batch_->index()));
    }
    const auto header_bytes = static_cast<std::int64_t>(received.fields.header().ByteSizeLong());
    if (header_bytes > kMaxHeaderBytes) {
      return TooLarge(absl::StrCat("a header has ", header_bytes, " bytes; it may have ", kMaxHeaderBytes,
                                   ", split a batch with more noise or sample ids into several"));
    }
    auto header = std::make_unique<v1::BatchHeader>(std::move(*received.fields.mutable_header()));
    MASKD_ASSIGN_OR_RETURN(std::unique_ptr<StreamedBatch> batch,
                           StreamedBatch::Begin(std::move(header), num_batches_, parts_.landing));
    // For each batch, so that a stream that never rests does not outlast a drain.
    MASKD_ASSIGN_OR_RETURN(CallGate::Pass pass, parts_.gate.Enter());
    pass_.emplace(std::move(pass));
    const std::int64_t bytes = batch->working_bytes();
    if (bytes > std::max(kSmallCallBytes, reservation_.bytes()))
      MASKD_RETURN_IF_ERROR(parts_.budget.Resize(bytes, reservation_));
    batch_ = std::move(batch);
    ++num_batches_;
    return absl::OkStatus();
  }

  CallParts& parts_;
  CallRecord& record_;
  std::unique_ptr<StreamedBatch> batch_;  // whose tokens come
  std::int64_t num_batches_ = 0;
  std::optional<CallGate::Pass> pass_;
  ByteBudget::Reservation reservation_;
};

// Lets the batch take the next tokens.
absl::StatusOr<Fragment> Take(Fragment tokens, StreamedBatch& batch, const CallParts& parts,
                              const StreamCall& call, StageClock& stages) {
  try {
    return batch.Take(
        tokens, parts.masker, parts.pool, [&call] { return call.cancelled(); }, stages);
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

}  // namespace

// One read and one write are under way at a time: the next message comes in
// while one is gathered, and the last part goes out while the next is filled.
// More would be memory, and is never waited for.
Detached ServeStreamRandomMasking(std::unique_ptr<StreamCall> call, CallParts& parts,
                                  LiveCount::Ticket live) {
  const LiveCount::Ticket ticket = std::move(live);
  CallRecord record(parts.counts, parts.reporting, Method::kStreamRandomMasking, call->context, Stage::kRest);
  StageClock& stages = record.stages();
  const IdleWatch::Guard guard(parts.idle_watch, *call);
  const absl::Status gone = absl::CancelledError("the caller has gone");
  absl::Status status;
  {
    Stream stream(parts, record);
    bool begun = false;
    grpc::ByteBuffer incoming;
    call->set_at_rest(true);
    call->StartRead(&incoming);
    while (status.ok()) {
      if (stream.batch() == nullptr && !call->reading.happened()) {
        if (!call->writing.happened()) stages.Enter(Stage::kSend);
        const bool written = co_await call->writing;
        record.EndMessage(written);
        if (!written) break;
        stream.Rest();
      }
      if (stream.batch() == nullptr) {
        record.EndBatch();
      } else {
        stages.Enter(Stage::kReceive);
      }
      if (!co_await call->reading) {
        status = stream.StatusAtEnd();
        break;
      }
      stages.Enter(Stage::kDecode);
      record.CountReceived(incoming.Length());
      absl::StatusOr<std::unique_ptr<Received>> received = Decode(incoming);
      incoming.Clear();
      status = received.ok() ? stream.Admit(**received) : received.status();
      if (!status.ok()) break;
      if (stream.batch() != nullptr && !begun) {
        call->StartSendInitialMetadata();
        begun = true;
      }
      call->set_at_rest(stream.batch() == nullptr);
      const bool has_tokens = (*received)->message.payload.bytes > 0;
      if (has_tokens && (*received)->message.payload.bytes == stream.batch()->bytes_left())
        call->set_at_rest(true);
      call->StartRead(&incoming);
      if (!has_tokens) continue;

      stages.Enter(Stage::kQueue);
      co_await parts.workers.Enter();
      for (Fragment tokens : (*received)->message.payload.fragments) {
        while (!tokens.empty() && status.ok()) {
          const absl::StatusOr<Fragment> rest = Take(tokens, *stream.batch(), parts, *call, stages);
          status = rest.status();
          if (!rest.ok()) break;
          tokens = *rest;
          if (!stream.batch()->has_part()) continue;
          stages.Enter(Stage::kSend);
          co_await call->poller.Enter();
          const bool written = co_await call->writing;
          record.EndMessage(written);
          if (!written) {
            status = gone;
            break;
          }
          const grpc::ByteBuffer message = stream.batch()->TakePart();
          record.BeginSending(message.Length());
          call->StartWrite(message);
          if (!tokens.empty()) {
            stages.Enter(Stage::kQueue);
            co_await parts.workers.Enter();
          }
        }
        if (!status.ok()) break;
      }
      co_await call->poller.Enter();
      if (status.ok() && stream.batch()->bytes_left() == 0) stream.EndBatch();
    }
    record.EndMessage(co_await call->writing);
    call->StartFinish(record.Finish(status));
    record.EndSending(co_await call->writing);
  }
  co_await call->reading;
  co_await call->ended;
}

}  // namespace maskd
