#include "tests/end_to_end/streamed_batches.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "client/encode_request.h"
#include "tests/end_to_end/good_requests.h"

namespace maskd {
namespace {

using ::google::protobuf::util::MessageDifferencer;

// Appends `part` to `whole`, of which it is the next samples.
void JoinTensor(const v1::Tensor& part, std::int64_t num_samples, v1::Tensor* whole) {
  ASSERT_EQ(part.shape_size(), 2);
  EXPECT_EQ(part.shape(0), num_samples);
  if (whole->shape_size() == 0) {
    *whole = part;
    return;
  }
  EXPECT_EQ(part.element_type(), whole->element_type());
  EXPECT_EQ(part.shape(1), whole->shape(1));
  whole->set_shape(0, whole->shape(0) + part.shape(0));
  whole->mutable_data()->append(part.data());
}

void JoinMasking(const v1::Masking& part, std::int64_t num_samples, v1::Masking* whole) {
  if (part.has_mask()) JoinTensor(part.mask(), num_samples, whole->mutable_mask());
  if (part.has_ids_restore()) JoinTensor(part.ids_restore(), num_samples, whole->mutable_ids_restore());
  if (part.has_ids_keep()) JoinTensor(part.ids_keep(), num_samples, whole->mutable_ids_keep());
  if (part.has_ids_mask()) JoinTensor(part.ids_mask(), num_samples, whole->mutable_ids_mask());
  if (part.has_noise()) JoinTensor(part.noise(), num_samples, whole->mutable_noise());
  EXPECT_EQ(part.num_keep(), whole->num_keep());
  EXPECT_EQ(part.algorithm_version(), whole->algorithm_version());
  EXPECT_EQ(part.seed(), whole->seed());
  EXPECT_EQ(part.epoch(), whole->epoch());
  EXPECT_EQ(part.mask_index(), whole->mask_index());
  EXPECT_EQ(part.backend(), whole->backend());
}

// The facts of a masking without its tensors.
v1::Masking FactsOf(v1::Masking masking) {
  masking.clear_mask();
  masking.clear_ids_restore();
  masking.clear_ids_keep();
  masking.clear_ids_mask();
  masking.clear_noise();
  return masking;
}

}  // namespace

v1::RandomMaskingRequest RequestOf(const PreparedCase& prepared) {
  v1::RandomMaskingRequest request = EncodeRandomMasking(prepared.spec());
  request.set_tokens(prepared.tokens().data(), prepared.tokens().size());
  return request;
}

v1::RandomMaskingRequest BulkRequest(std::int64_t batch_size) {
  v1::RandomMaskingRequest request;
  request.mutable_layout()->set_batch_size(batch_size);
  request.mutable_layout()->set_sequence_length(256);
  request.mutable_layout()->set_token_dim(256);
  request.mutable_layout()->set_element_bytes(4);
  request.mutable_spec()->set_num_keep(1);
  request.mutable_selection()->add_results(v1::MASKING_RESULT_KEPT_TOKENS);
  std::string& tokens = *request.mutable_tokens();
  tokens.resize(static_cast<std::size_t>(batch_size) << 18);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<char>(i * 31 + (i >> 10));
  return request;
}

v1::BatchHeader HeaderOf(const v1::RandomMaskingRequest& request) {
  v1::BatchHeader header;
  if (request.has_layout()) *header.mutable_layout() = request.layout();
  if (request.has_spec()) *header.mutable_spec() = request.spec();
  if (request.has_selection()) *header.mutable_selection() = request.selection();
  return header;
}

v1::StreamRandomMaskingRequest HeaderMessage(const v1::RandomMaskingRequest& request) {
  v1::StreamRandomMaskingRequest message;
  *message.mutable_header() = HeaderOf(request);
  return message;
}

v1::StreamRandomMaskingRequest TokensMessage(std::string tokens) {
  v1::StreamRandomMaskingRequest message;
  message.set_tokens(std::move(tokens));
  return message;
}

StreamMessages MessagesOf(const v1::RandomMaskingRequest& request, std::size_t chunk_bytes) {
  StreamMessages messages = {HeaderMessage(request)};
  for (std::size_t at = 0; at < request.tokens().size(); at += chunk_bytes)
    messages.push_back(TokensMessage(request.tokens().substr(at, chunk_bytes)));
  return messages;
}

OpenStream::OpenStream(v1::MaskingService::Stub& stub, std::chrono::seconds timeout) {
  context_.set_deadline(std::chrono::system_clock::now() + timeout);
  stream_ = stub.StreamRandomMasking(&context_);
}

OpenStream::~OpenStream() {
  if (finished_) return;
  Cancel();
  Finish();
}

bool OpenStream::Write(const StreamMessages& messages) {
  for (const v1::StreamRandomMaskingRequest& message : messages) {
    if (!Write(message)) return false;
  }
  return true;
}

bool OpenStream::Admit(const v1::RandomMaskingRequest& request) {
  const bool written = Write(HeaderMessage(request));
  stream_->WaitForInitialMetadata();
  return written;
}

grpc::Status OpenStream::Finish(StreamParts* parts) {
  finished_ = true;
  for (v1::StreamRandomMaskingResponse part; stream_->Read(&part);) {
    if (parts != nullptr) parts->push_back(part);
  }
  return stream_->Finish();
}

StreamAnswer StreamAll(v1::MaskingService::Stub& stub, const StreamMessages& messages) {
  StreamAnswer answer;
  OpenStream stream(stub);
  std::thread reader([&] { answer.status = stream.Finish(&answer.parts); });
  if (stream.Write(messages)) stream.WritesDone();
  reader.join();
  return answer;
}

grpc::Status CallUnary(v1::MaskingService::Stub& stub, const v1::RandomMaskingRequest& request,
                       v1::RandomMaskingResponse* response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  return stub.RandomMasking(&context, request, response);
}

std::vector<v1::RandomMaskingResponse> JoinParts(const StreamParts& parts) {
  std::vector<v1::RandomMaskingResponse> batches;
  std::int64_t next_sample = 0;
  for (const v1::StreamRandomMaskingResponse& part : parts) {
    SCOPED_TRACE("batch " + std::to_string(part.batch_index()) + ", sample " +
                 std::to_string(part.first_sample()));
    EXPECT_GE(part.num_samples(), 1);
    if (part.batch_index() == static_cast<std::int64_t>(batches.size())) {
      batches.emplace_back();
      *batches.back().mutable_masking() = FactsOf(part.masking());
      if (part.has_kept_layout()) {
        *batches.back().mutable_kept_layout() = part.kept_layout();
        batches.back().mutable_kept_layout()->set_batch_size(0);
      }
      next_sample = 0;
    }
    EXPECT_EQ(part.batch_index(), static_cast<std::int64_t>(batches.size()) - 1);
    if (batches.empty()) return batches;
    EXPECT_EQ(part.first_sample(), next_sample);
    next_sample += part.num_samples();

    v1::RandomMaskingResponse& whole = batches.back();
    JoinMasking(part.masking(), part.num_samples(), whole.mutable_masking());
    whole.mutable_kept_tokens()->append(part.kept_tokens());
    if (!whole.has_kept_layout()) continue;
    v1::TokenLayout layout = part.kept_layout();
    EXPECT_EQ(layout.batch_size(), part.num_samples());
    layout.set_batch_size(whole.kept_layout().batch_size());
    EXPECT_TRUE(MessageDifferencer::Equals(layout, whole.kept_layout()));
    whole.mutable_kept_layout()->set_batch_size(next_sample);
  }
  return batches;
}

void ExpectUnaryResults(v1::MaskingService::Stub& stub, const std::vector<v1::RandomMaskingRequest>& requests,
                        const StreamAnswer& answer) {
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_code() << " " << answer.status.error_message();
  const std::vector<v1::RandomMaskingResponse> streamed = JoinParts(answer.parts);
  ASSERT_EQ(streamed.size(), requests.size()) << "batches";
  for (std::size_t i = 0; i < requests.size(); ++i) {
    v1::RandomMaskingResponse unary;
    const grpc::Status status = CallUnary(stub, requests[i], &unary);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(streamed[i].kept_tokens() == unary.kept_tokens(), true) << "kept tokens of batch " << i;
    EXPECT_TRUE(MessageDifferencer::Equals(streamed[i], unary)) << "batch " << i;
  }
}

void ExpectAnswers(const ServedMasker& served) {
  const v1::RandomMaskingRequest request = GoodRandomMasking();
  ExpectUnaryResults(served.stub(), {request}, StreamAll(served.stub(), MessagesOf(request, 100)));
  ExpectBudgetReturns(served.server());
}

}  // namespace maskd
