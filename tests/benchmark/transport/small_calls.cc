#include "tests/benchmark/transport/small_calls.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/rpc_method.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/encode_request.h"
#include "client/masking_client.h"
#include "client/result_layout.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.grpc.pb.h"
#include "tests/benchmark/transport/batch.h"

namespace maskd::transport {
namespace {

constexpr std::int64_t kBatchSize = 1;

// The empty RPC has it too, see empty_server.h.
constexpr char kMethod[] = "/maskd.v1.MaskingService/GenerateMask";

absl::Status FailedCall(const grpc::Status& status) {
  return absl::InternalError(
      absl::StrCat("a small call failed with code ", status.error_code(), ": ", status.error_message()));
}

// Messages of calls in encoded form, and what their answers have to be.
class Messages {
 public:
  virtual ~Messages() = default;
  virtual const grpc::ByteBuffer& Request(std::uint64_t call) const = 0;
  virtual absl::Status Check(std::uint64_t call, grpc::ByteBuffer* response) = 0;
};

class EmptyMessages final : public Messages {
 public:
  const grpc::ByteBuffer& Request(std::uint64_t) const override { return empty_; }
  absl::Status Check(std::uint64_t, grpc::ByteBuffer* response) override {
    if (response->Length() == 0) return absl::OkStatus();
    return absl::DataLossError("the answer of the empty RPC is not empty");
  }

 private:
  const grpc::Slice no_bytes_;
  const grpc::ByteBuffer empty_{&no_bytes_, 1};
};

// Whether `buffer` holds `bytes`. Without a copy.
bool Holds(const grpc::ByteBuffer& buffer, std::string_view bytes) {
  std::vector<grpc::Slice> slices;
  if (buffer.Length() != bytes.size() || !buffer.Dump(&slices).ok()) return false;
  for (const grpc::Slice& slice : slices) {
    if (std::memcmp(slice.begin(), bytes.data(), slice.size()) != 0) return false;
    bytes.remove_prefix(slice.size());
  }
  return true;
}

class GenerateMaskMessages final : public Messages {
 public:
  explicit GenerateMaskMessages(CheckedBatch batch) : batch_(std::move(batch)) {
    for (std::uint64_t call = 0; call < kNumSeeds; ++call) {
      const std::string encoded = EncodeGenerateMask(batch_.SpecOf(call)).SerializeAsString();
      const grpc::Slice slice(encoded);
      requests_.emplace_back(&slice, 1);
    }
  }

  const grpc::ByteBuffer& Request(std::uint64_t call) const override { return requests_[call % kNumSeeds]; }

  // Decodes what is not, byte for byte, an answer that has been found right. That takes
  // little, so that calls in flight can check each answer when it comes.
  absl::Status Check(std::uint64_t call, grpc::ByteBuffer* response) override {
    std::string& right_answer = right_answers_[call % kNumSeeds];
    if (!right_answer.empty() && Holds(*response, right_answer)) return absl::OkStatus();
    v1::GenerateMaskResponse message;
    if (!grpc::SerializationTraits<v1::GenerateMaskResponse>::Deserialize(response, &message).ok()) {
      return absl::DataLossError("the answer of GenerateMask cannot be parsed");
    }
    const v1::Masking& masking = message.masking();
    MASKD_RETURN_IF_ERROR(
        batch_.Check(call, {.mask = std::as_bytes(std::span(masking.mask().data())),
                            .ids_restore = std::as_bytes(std::span(masking.ids_restore().data())),
                            .kept_tokens = {}}));
    right_answer = message.SerializeAsString();
    return absl::OkStatus();
  }

 private:
  const CheckedBatch batch_;
  std::vector<grpc::ByteBuffer> requests_;
  std::array<std::string, kNumSeeds> right_answers_;  // none: empty
};

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
}

class BlockingCall final : public MeasuredCall {
 public:
  BlockingCall(const std::string& address, std::unique_ptr<Messages> messages)
      : channel_(MakeChannel(address)), messages_(std::move(messages)) {}

  absl::StatusOr<double> Call() override {
    const std::uint64_t call = calls_++;
    grpc::ByteBuffer response;
    const Stopwatch stopwatch;
    grpc::ClientContext context;
    const grpc::Status status = grpc::internal::BlockingUnaryCall(channel_.get(), method_, &context,
                                                                  messages_->Request(call), &response);
    const double seconds = stopwatch.seconds();
    if (!status.ok()) return FailedCall(status);
    MASKD_RETURN_IF_ERROR(messages_->Check(call, &response));
    return seconds;
  }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<Messages> messages_;
  const grpc::internal::RpcMethod method_{kMethod, grpc::internal::RpcMethod::NORMAL_RPC, channel_};
  std::uint64_t calls_ = 0;
};

class CallsInFlight final : public MeasuredCall {
 public:
  CallsInFlight(const std::string& address, std::unique_ptr<Messages> messages)
      : stub_(MakeChannel(address)), messages_(std::move(messages)) {}

  ~CallsInFlight() override { queue_.Shutdown(); }

  // Each answer is checked and given back when it comes, as callers do.
  absl::StatusOr<double> Call() override {
    std::array<std::optional<Running>, kInFlight> places;
    std::uint64_t started = 0;
    const auto start = [&](std::optional<Running>& place) {
      place.emplace();
      place->call = started++;
      place->reader =
          stub_.PrepareUnaryCall(&place->context, kMethod, messages_->Request(place->call), &queue_);
      place->reader->StartCall();
      place->reader->Finish(&place->response, &place->status, &place);
    };

    const Stopwatch stopwatch;
    for (std::optional<Running>& place : places) start(place);
    absl::Status failure;
    for (int finished = 0; finished < kCallsPerFlight; ++finished) {
      void* tag = nullptr;
      bool ok = false;
      if (!queue_.Next(&tag, &ok)) return absl::InternalError("the completion queue of the client ended");
      auto& place = *static_cast<std::optional<Running>*>(tag);
      failure.Update(place->status.ok() ? messages_->Check(place->call, &place->response)
                                        : FailedCall(place->status));
      if (started < kCallsPerFlight) start(place);
    }
    const double seconds = stopwatch.seconds();
    MASKD_RETURN_IF_ERROR(failure);
    return seconds;
  }

 private:
  struct Running {
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
    grpc::ByteBuffer response;
    grpc::Status status;
    std::uint64_t call = 0;
  };

  grpc::GenericStub stub_;
  const std::unique_ptr<Messages> messages_;
  grpc::CompletionQueue queue_;
};

class ClientCall final : public MeasuredCall {
 public:
  ClientCall(std::unique_ptr<MaskingClient> client, CheckedBatch batch)
      : client_(std::move(client)), batch_(std::move(batch)) {}

  absl::StatusOr<double> Call() override {
    const std::uint64_t call = calls_++;
    const Stopwatch stopwatch;
    const absl::Status status = client_->GenerateMask(batch_.SpecOf(call), results_).status();
    const double seconds = stopwatch.seconds();
    MASKD_RETURN_IF_ERROR(status);
    MASKD_RETURN_IF_ERROR(batch_.Check(call, SpansOf(batch_.result_bytes(), results_)));
    return seconds;
  }

 private:
  const std::unique_ptr<MaskingClient> client_;
  const CheckedBatch batch_;
  const Pages memory_{batch_.result_bytes().total()};
  const MaskingBuffers results_ = LayOutResults(batch_.result_bytes(), memory_.data());
  std::uint64_t calls_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MeasuredCall>> MakeSmallCall(const std::string& name,
                                                            const std::string& address) {
  MASKD_ASSIGN_OR_RETURN(CheckedBatch batch, CheckedBatch::MasksAlone(kBatchSize));
  if (name == "generate-mask-client") {
    MASKD_ASSIGN_OR_RETURN(auto client, MaskingClient::Connect(address, {}));
    return std::make_unique<ClientCall>(std::move(client), std::move(batch));
  }
  auto masks = std::make_unique<GenerateMaskMessages>(std::move(batch));
  if (name == "generate-mask") return std::make_unique<BlockingCall>(address, std::move(masks));
  if (name == "generate-mask-in-flight") return std::make_unique<CallsInFlight>(address, std::move(masks));
  auto nothing = std::make_unique<EmptyMessages>();
  if (name == "empty") return std::make_unique<BlockingCall>(address, std::move(nothing));
  if (name == "empty-in-flight") return std::make_unique<CallsInFlight>(address, std::move(nothing));
  return absl::InvalidArgumentError(absl::StrCat("there is no call ", name));
}

}  // namespace maskd::transport
