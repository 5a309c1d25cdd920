// A unary call whose request the server reads when it has room for it.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

#include "client/attempt.h"
#include "client/call_events.h"
#include "client/status_adapter.h"
#include "proto/metadata_keys.h"

namespace maskd {
namespace {

// How long a request waits here for the server's word, which another server at the
// same address may never give.
constexpr std::chrono::seconds kPatience(5);

// Whether the server's first word was that it has room, which others than maskd do
// not say.
bool WasAdmitted(const grpc::ClientContext& context) {
  return context.GetServerInitialMetadata().contains(kAdmittedKey);
}

}  // namespace

Outcome CallLarge(Connection& connection, const std::string& method, const grpc::ByteBuffer& request,
                  std::int64_t call_bytes, const CallScope& scope, grpc::ByteBuffer* response) {
  enum Tag : std::intptr_t { kStarted = 1, kAnswered, kWritten, kRead, kFinished };
  const auto tag_of = [](Tag tag) { return reinterpret_cast<void*>(tag); };

  grpc::ClientContext context;
  SetScope(scope, context);
  SetCallBytes(call_bytes, context);
  const std::stop_callback cancel(scope.stop, [&context] { context.TryCancel(); });
  const auto channel = connection.channel();
  CallEvents events(connection, channel, scope);
  grpc::GenericStub stub(channel);
  const auto stream = stub.PrepareCall(&context, method, &events.queue());
  stream->StartCall(tag_of(kStarted));
  int under_way = 1;
  bool started = false;
  bool waits = connection.tells_room();
  const auto patience = std::chrono::system_clock::now() + kPatience;
  bool has_response = false;
  grpc::Status status;
  const auto write = [&] {
    stream->WriteLast(request, grpc::WriteOptions(), tag_of(kWritten));
    ++under_way;
  };
  void* tag = nullptr;
  bool ok = false;
  while (under_way > 0) {
    if (!waits) {
      events.Next(&tag, &ok);
    } else if (!events.Next(&tag, &ok, patience)) {
      waits = false;
      if (started) write();
      continue;
    }
    --under_way;
    switch (static_cast<Tag>(reinterpret_cast<std::intptr_t>(tag))) {
      case kStarted:
        started = ok;
        if (ok && !waits) write();
        stream->ReadInitialMetadata(tag_of(kAnswered));
        ++under_way;
        break;
      case kAnswered:
        if (ok && WasAdmitted(context)) connection.set_tells_room();
        if (ok && waits) write();
        waits = false;
        stream->Read(response, tag_of(kRead));
        ++under_way;
        break;
      case kRead:
        has_response = ok;
        stream->Finish(&status, tag_of(kFinished));
        ++under_way;
        break;
      case kWritten:
      case kFinished:
        break;
    }
  }
  if (status.ok() && !has_response) return AnswerMissing(scope, "the server sent no response");
  return ToOutcome(status);
}

}  // namespace maskd
