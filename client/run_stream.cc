#include "client/run_stream.h"

#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <cstdint>
#include <stop_token>

#include "client/call_events.h"
#include "client/status_adapter.h"

namespace maskd {
namespace {

// How long a server may be silent before it is sent more than may_send allows.
constexpr std::chrono::milliseconds kSilence(200);

}  // namespace

Outcome RunStream(Connection& connection, const std::string& method, const CallScope& scope,
                  const StreamEnds& ends) {
  enum Tag : std::intptr_t { kStarted = 1, kFirstWritten, kAdmitted, kWritten, kRead, kFinished };
  const auto tag_of = [](Tag tag) { return reinterpret_cast<void*>(tag); };

  grpc::ClientContext context;
  SetScope(scope, context);
  const std::stop_callback cancel(scope.stop, [&context] { context.TryCancel(); });
  const auto channel = connection.channel();
  CallEvents events(connection, channel, scope);
  grpc::GenericStub stub(channel);
  const auto stream = stub.PrepareCall(&context, method, &events.queue());

  grpc::ByteBuffer incoming;
  absl::Status fault;  // of the server's
  grpc::Status status;
  // One thread sends and receives: after each event the next operation of its
  // kind starts, until reads fail, which they do when the status has come.
  stream->StartCall(tag_of(kStarted));
  int under_way = 1;
  bool writable = true;
  bool held_back = false;  // the next message waits for may_send
  bool holds_back = true;
  int before_second = 2;  // events: the first message has gone, and was admitted
  const auto write_next = [&] {
    held_back = writable && holds_back && !ends.may_send();
    if (!writable || held_back) return;
    ++under_way;
    if (const std::optional<grpc::ByteBuffer> message = ends.next(); message.has_value()) {
      stream->Write(*message, tag_of(kWritten));
    } else {
      writable = false;
      stream->WritesDone(tag_of(kWritten));
    }
  };
  void* tag = nullptr;
  bool ok = false;
  while (under_way > 0) {
    if (!held_back) {
      events.Next(&tag, &ok);
    } else if (!events.Next(&tag, &ok, std::chrono::system_clock::now() + kSilence)) {
      holds_back = false;
      write_next();
      continue;
    }
    --under_way;
    switch (static_cast<Tag>(reinterpret_cast<std::intptr_t>(tag))) {
      case kStarted:
        stream->ReadInitialMetadata(tag_of(kAdmitted));
        stream->Write(*ends.next(), tag_of(kFirstWritten));
        under_way += 2;
        break;
      case kAdmitted:
        stream->Read(&incoming, tag_of(kRead));
        ++under_way;
        [[fallthrough]];
      case kFirstWritten:
        writable &= ok;
        if (--before_second == 0) write_next();
        break;
      case kWritten:
        writable &= ok;
        write_next();
        break;
      case kRead:
        if (ok && fault.ok()) {
          fault = ends.take(incoming);
          if (!fault.ok()) {
            context.TryCancel();
          } else if (held_back) {
            write_next();
          }
        }
        incoming.Clear();
        if (ok) {
          stream->Read(&incoming, tag_of(kRead));
        } else {
          writable = held_back = false;
          stream->Finish(&status, tag_of(kFinished));
        }
        ++under_way;
        break;
      case kFinished:
        break;
    }
  }
  if (!fault.ok()) return {.status = fault};
  if (status.ok() && !ends.done())
    return AnswerMissing(scope, "the server ended the stream before its last message");
  return ToOutcome(status);
}

}  // namespace maskd
