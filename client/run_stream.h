// A call with several messages each way, from its first to its last.
#ifndef MASKD_CLIENT_RUN_STREAM_H_
#define MASKD_CLIENT_RUN_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "client/attempt.h"
#include "client/connection.h"

namespace maskd {

// Payload of one message: a few copies of the kernel's, so that what it costs
// does not show, and little enough to stay in a cache until it is gathered.
inline constexpr std::int64_t kStreamChunkBytes = std::int64_t{2} << 20;

// What the first message may have beside payload. Servers take 1 MiB.
inline constexpr std::int64_t kStreamHeaderBytes = std::int64_t{1000} << 10;

// Payload that is sent before the server has answered what came before: as much as
// keeps both ends busy. What it has not come to yet lies in its memory.
inline constexpr std::int64_t kStreamUnansweredBytes = std::int64_t{8} << 20;

struct StreamEnds {
  // The next message to send; nothing: all have gone. There is a first one.
  std::function<std::optional<grpc::ByteBuffer>()> next;
  // Takes a message that came. Its error ends the call.
  std::function<absl::Status(const grpc::ByteBuffer& message)> take;
  // Whether all have come that were asked for.
  std::function<bool()> done;
  // Whether the next message may go before another has come. If none comes for a
  // while, it goes all the same: servers answer when they like.
  std::function<bool()> may_send = [] { return true; };
};

// Runs a call of `method`. What follows the first message is sent when the server
// has sent its initial metadata, which says that it has room.
Outcome RunStream(Connection& connection, const std::string& method, const CallScope& scope,
                  const StreamEnds& ends);

}  // namespace maskd

#endif  // MASKD_CLIENT_RUN_STREAM_H_
