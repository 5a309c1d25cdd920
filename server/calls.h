// The calls of the server, each a coroutine from its first byte to
// its last: decode, plan, make room, draw masks, gather, send.
#ifndef MASKD_SERVER_CALLS_H_
#define MASKD_SERVER_CALLS_H_

#include <memory>

#include "kernels/masker.h"
#include "kernels/token_gatherer.h"
#include "server/bulk_workers.h"
#include "server/byte_budget.h"
#include "server/byte_call.h"
#include "server/call_gate.h"
#include "server/event.h"
#include "server/health.h"
#include "server/idle_watch.h"
#include "server/limits.h"
#include "server/live_count.h"
#include "server/reply_pool.h"

namespace maskd {

// What calls share. Outlives them.
struct CallParts {
  Masker& masker;
  TokenGatherer& gatherer;
  const Limits& limits;
  CallGate& gate;
  ByteBudget& budget;
  ReplyPool& pool;
  BulkWorkers& workers;
  IdleWatch& idle_watch;
  Health& health;
};

// Each serves a call that was accepted, in a coroutine that holds `live`.

// maskd.v1.MaskingService.
Detached ServeRandomMasking(std::unique_ptr<StreamCall> call, CallParts& parts, LiveCount::Ticket live);
Detached ServeStreamRandomMasking(std::unique_ptr<StreamCall> call, CallParts& parts, LiveCount::Ticket live);
Detached ServeGenerateMask(std::unique_ptr<MessageCall> call, CallParts& parts, LiveCount::Ticket live);
Detached ServeGetServerInfo(std::unique_ptr<MessageCall> call, CallParts& parts, LiveCount::Ticket live);

// grpc.health.v1.Health.
Detached ServeHealthCheck(std::unique_ptr<MessageCall> call, CallParts& parts, LiveCount::Ticket live);
Detached ServeHealthWatch(std::unique_ptr<StreamCall> call, CallParts& parts, LiveCount::Ticket live);

// A call of a method that there is not.
Detached ServeUnknownMethod(std::unique_ptr<StreamCall> call, LiveCount::Ticket live);

}  // namespace maskd

#endif  // MASKD_SERVER_CALLS_H_
