// Servers that are not maskd, made of the generated synchronous service.
#ifndef MASKD_TESTS_END_TO_END_SCRIPTED_SERVICE_H_
#define MASKD_TESTS_END_TO_END_SCRIPTED_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "kernels/masker.h"
#include "maskd/v1/masking_service.grpc.pb.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/streamed_batches.h"

namespace maskd {

// Answers as a true server would, through which every part of a stream has one
// sample, and then as it is told.
class ScriptedService final : public v1::MaskingService::Service {
 public:
  using Parts = StreamParts;

  // `before_call` ends each call that it returns an error for, before anything
  // is read; `change` has the parts of a stream before they are sent, and
  // `after_parts` ends the stream.
  struct Script {
    std::function<grpc::Status()> before_call = [] { return grpc::Status::OK; };
    std::function<void(Parts& parts)> change = [](Parts&) {};
    std::function<grpc::Status()> after_parts = [] { return grpc::Status::OK; };
  };

  explicit ScriptedService(Script script) : script_(std::move(script)) {}

  grpc::Status RandomMasking(grpc::ServerContext*, const v1::RandomMaskingRequest* request,
                             v1::RandomMaskingResponse* response) override {
    const grpc::Status status = script_.before_call();
    return status.ok() ? CallUnary(honest_.stub(), *request, response) : status;
  }

  // Of one batch.
  grpc::Status StreamRandomMasking(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::StreamRandomMaskingResponse, v1::StreamRandomMaskingRequest>* stream)
      override {
    if (const grpc::Status status = script_.before_call(); !status.ok()) return status;
    v1::BatchHeader header;
    std::string tokens;
    for (v1::StreamRandomMaskingRequest message; stream->Read(&message);) {
      if (message.has_header()) {
        header = message.header();
        stream->SendInitialMetadata();
      }
      tokens += message.tokens();
    }
    Parts parts;
    for (std::int64_t n = 0; n < header.layout().batch_size(); ++n)
      parts.push_back(PartOf(header, tokens, n));
    script_.change(parts);
    for (const v1::StreamRandomMaskingResponse& part : parts) {
      if (!stream->Write(part)) break;
    }
    return script_.after_parts();
  }

 private:
  v1::StreamRandomMaskingResponse PartOf(const v1::BatchHeader& header, const std::string& tokens,
                                         std::int64_t n) {
    const std::size_t sample_bytes = tokens.size() / static_cast<std::size_t>(header.layout().batch_size());
    v1::RandomMaskingRequest request;
    *request.mutable_layout() = header.layout();
    request.mutable_layout()->set_batch_size(1);
    *request.mutable_spec() = header.spec();
    request.mutable_spec()->set_first_sample_id(static_cast<std::uint64_t>(n));
    *request.mutable_selection() = header.selection();
    request.set_tokens(tokens.substr(static_cast<std::size_t>(n) * sample_bytes, sample_bytes));
    v1::RandomMaskingResponse response;
    CallUnary(honest_.stub(), request, &response);
    v1::StreamRandomMaskingResponse part;
    part.set_first_sample(n);
    part.set_num_samples(1);
    part.mutable_masking()->Swap(response.mutable_masking());
    part.mutable_kept_layout()->Swap(response.mutable_kept_layout());
    part.mutable_kept_tokens()->swap(*response.mutable_kept_tokens());
    return part;
  }

  const Script script_;
  const ServedMasker honest_{MakeReferenceMasker()};
};

// Serves `service` on a free port of 127.0.0.1.
class ServedService {
 public:
  explicit ServedService(grpc::Service& service) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.SetMaxReceiveMessageSize(-1);
    builder.RegisterService(&service);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~ServedService() { server_->Shutdown(std::chrono::system_clock::now()); }

  const std::string& address() const { return address_; }

 private:
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace maskd

#endif  // MASKD_TESTS_END_TO_END_SCRIPTED_SERVICE_H_
