// A call whose messages are bytes, which need not be any protobuf message's.
#ifndef MASKD_TESTS_END_TO_END_RAW_STREAM_H_
#define MASKD_TESTS_END_TO_END_RAW_STREAM_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

namespace maskd {

// Operations wait for their end. Not thread-safe.
class RawStream {
 public:
  // `method` is of maskd.v1.MaskingService.
  RawStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& method) : stub_(channel) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    call_ = stub_.PrepareCall(&context_, "/maskd.v1.MaskingService/" + method, &queue_);
    call_->StartCall(nullptr);
    Await();
  }

  // Is false if the call has ended.
  bool Write(const std::string& message) {
    const grpc::Slice slice(message);
    call_->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    return Await();
  }

  bool WritesDone() {
    call_->WritesDone(nullptr);
    return Await();
  }

  bool Read(std::string* message) {
    grpc::ByteBuffer buffer;
    call_->Read(&buffer, nullptr);
    if (!Await()) return false;
    grpc::Slice slice;
    if (!buffer.DumpToSingleSlice(&slice).ok()) return false;
    message->assign(reinterpret_cast<const char*>(slice.begin()), slice.size());
    return true;
  }

  // Reads what is left, and the status.
  grpc::Status Finish() {
    for (std::string message; Read(&message);) continue;
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Await();
    return status;
  }

 private:
  bool Await() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> call_;
};

}  // namespace maskd

#endif  // MASKD_TESTS_END_TO_END_RAW_STREAM_H_
