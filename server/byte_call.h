// One accepted call whose messages are read and written as bytes. All that starts
// something is to be called on the thread of its poller.
#ifndef MASKD_SERVER_BYTE_CALL_H_
#define MASKD_SERVER_BYTE_CALL_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/async_unary_call.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "server/event.h"
#include "server/poller.h"

namespace maskd {

// A call that may have several messages each way. One read and one write may be
// under way at a time; each ends in its event. All three events must have
// happened before the call is destroyed, unless it was never accepted.
class StreamCall {
 public:
  using Clock = std::chrono::steady_clock;

  explicit StreamCall(Poller& of) : poller(of) {
    accepted.Reset();
    ended.Reset();
    context.AsyncNotifyWhenDone(&ended);
  }

  // Starts a read into `message`; `reading` says whether one came.
  void StartRead(grpc::ByteBuffer* message) {
    reading.Reset();
    reading_since_ = Now();
    stream.Read(message, &reading);
  }

  // Start to tell the caller that the call goes on, to write, to end the call, or
  // the last two; `writing` says whether it went.
  void StartSendInitialMetadata() {
    BeginWriting();
    stream.SendInitialMetadata(&writing);
  }
  void StartWrite(const grpc::ByteBuffer& message) {
    BeginWriting();
    stream.Write(message, &writing);
  }
  void StartFinish(const grpc::Status& status) {
    BeginWriting();
    stream.Finish(status, &writing);
  }
  void StartWriteAndFinish(const grpc::ByteBuffer& message) {
    BeginWriting();
    stream.WriteAndFinish(message, grpc::WriteOptions(), grpc::Status::OK, &writing);
  }

  // Whether the caller has gone. Thread-safe, as are the next two.
  bool cancelled() const { return ended.happened() && context.IsCancelled(); }

  // Whether the caller may take its time for the next message.
  void set_at_rest(bool at_rest) { at_rest_ = at_rest; }

  // How long the caller has kept this call waiting, to send or to be sent to.
  Clock::duration Waited() const {
    const Clock::rep now = Now();
    Clock::rep waited = 0;
    if (!reading.happened() && !at_rest_) waited = now - reading_since_;
    if (!writing.happened()) waited = std::max(waited, now - writing_since_);
    return Clock::duration(waited);
  }

  Poller& poller;
  grpc::GenericServerContext context;
  grpc::GenericServerAsyncReaderWriter stream{&context};
  Event accepted;
  Event reading;
  Event writing;
  Event ended;

 private:
  static Clock::rep Now() { return Clock::now().time_since_epoch().count(); }
  void BeginWriting() {
    writing.Reset();
    writing_since_ = Now();
  }

  std::atomic<Clock::rep> reading_since_ = 0;
  std::atomic<Clock::rep> writing_since_ = 0;
  std::atomic<bool> at_rest_ = false;
};

// A call with one message each way, the request of which has come with it.
struct MessageCall {
  explicit MessageCall(Poller& of) : poller(of) {
    accepted.Reset();
    ended.Reset();
    context.AsyncNotifyWhenDone(&ended);
  }

  // Ends the call; `finished` happens when that has gone.
  void StartFinish(const grpc::Status& status, const grpc::ByteBuffer& response) {
    finished.Reset();
    if (status.ok()) {
      writer.Finish(response, status, &finished);
    } else {
      writer.FinishWithError(status, &finished);
    }
  }

  bool cancelled() const { return ended.happened() && context.IsCancelled(); }

  Poller& poller;
  grpc::ServerContext context;
  grpc::ByteBuffer request;
  grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> writer{&context};
  Event accepted;
  Event finished;
  Event ended;
};

}  // namespace maskd

#endif  // MASKD_SERVER_BYTE_CALL_H_
