// Batches as StreamRandomMasking takes them and gives them back, by the
// generated stub.
#ifndef MASKD_TESTS_END_TO_END_STREAMED_BATCHES_H_
#define MASKD_TESTS_END_TO_END_STREAMED_BATCHES_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "maskd/v1/masking_service.grpc.pb.h"
#include "server/masking_server.h"
#include "tests/contract/masking_case.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {

using StreamMessages = std::vector<v1::StreamRandomMaskingRequest>;
using StreamParts = std::vector<v1::StreamRandomMaskingResponse>;

// The unary request of a case that has tokens.
v1::RandomMaskingRequest RequestOf(const PreparedCase& prepared);

// `batch_size` samples of 256 KiB whose results are 1 KiB each.
v1::RandomMaskingRequest BulkRequest(std::int64_t batch_size);

v1::BatchHeader HeaderOf(const v1::RandomMaskingRequest& request);
v1::StreamRandomMaskingRequest HeaderMessage(const v1::RandomMaskingRequest& request);
v1::StreamRandomMaskingRequest TokensMessage(std::string tokens);

// A message with the header, and the tokens in messages of `chunk_bytes`.
StreamMessages MessagesOf(const v1::RandomMaskingRequest& request, std::size_t chunk_bytes);

// One call of StreamRandomMasking. Ends it, if need be, when destroyed.
class OpenStream {
 public:
  explicit OpenStream(v1::MaskingService::Stub& stub, std::chrono::seconds timeout = kPatience);
  ~OpenStream();

  OpenStream(const OpenStream&) = delete;
  OpenStream& operator=(const OpenStream&) = delete;

  // Each is false if the call has ended.
  bool Write(const v1::StreamRandomMaskingRequest& message) { return stream_->Write(message); }
  bool Write(const StreamMessages& messages);
  bool Read(v1::StreamRandomMaskingResponse* part) { return stream_->Read(part); }

  // Sends a header and waits until the server has made room for its batch.
  bool Admit(const v1::RandomMaskingRequest& request);

  void WritesDone() { stream_->WritesDone(); }
  void Cancel() { context_.TryCancel(); }

  // Reads all that comes, and the status.
  grpc::Status Finish(StreamParts* parts = nullptr);

  grpc::ClientContext& context() { return context_; }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::StreamRandomMaskingRequest, v1::StreamRandomMaskingResponse>>
      stream_;
  bool finished_ = false;
};

struct StreamAnswer {
  StreamParts parts;
  grpc::Status status;
};

// Sends all of `messages` while a thread of its own reads.
StreamAnswer StreamAll(v1::MaskingService::Stub& stub, const StreamMessages& messages);

grpc::Status CallUnary(v1::MaskingService::Stub& stub, const v1::RandomMaskingRequest& request,
                       v1::RandomMaskingResponse* response);

// The response to each batch of a stream, as if it had been unary. Fails the
// test if the parts are not those of consecutive samples of consecutive batches.
std::vector<v1::RandomMaskingResponse> JoinParts(const StreamParts& parts);

// Fails the test if the parts are not the unary responses to `requests`.
void ExpectUnaryResults(v1::MaskingService::Stub& stub, const std::vector<v1::RandomMaskingRequest>& requests,
                        const StreamAnswer& answer);

// Fails the test unless good calls, unary and streamed, are answered, and the
// budget is free after.
void ExpectAnswers(const ServedMasker& served);

}  // namespace maskd

#endif  // MASKD_TESTS_END_TO_END_STREAMED_BATCHES_H_
