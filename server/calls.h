// The calls of the server, each a coroutine from its first byte to
// its last: decode, plan, make room, draw masks, gather, send.
#ifndef MASKD_SERVER_CALLS_H_
#define MASKD_SERVER_CALLS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "kernels/masker.h"
#include "kernels/token_gatherer.h"
#include "server/block_pool.h"
#include "server/bulk_workers.h"
#include "server/byte_budget.h"
#include "server/byte_call.h"
#include "server/call_counts.h"
#include "server/call_gate.h"
#include "server/call_record.h"
#include "server/event.h"
#include "server/health.h"
#include "server/idle_watch.h"
#include "server/limits.h"
#include "server/live_count.h"
#include "server/methods.h"
#include "server/reply_pool.h"
#include "server/tensor_devices.h"

namespace maskd {

// What calls share. Outlives them.
struct CallParts {
  Masker& masker;
  TensorDevices& tensor_devices;
  TokenGatherer& gatherer;
  const Limits& limits;
  CallGate& gate;
  ByteBudget& budget;
  ReplyPool& pool;
  // Where tokens land for a device to gather them; null: the host gathers.
  BlockPool* landing;
  BulkWorkers& workers;
  IdleWatch& idle_watch;
  Health& health;
  CallCounts& counts;
  const CallReporting& reporting;
};

// What a unary call of bulk does with its request: makes the response. It may
// take long, and makes `reservation` the bytes of request, response and what it
// needs beside them, once it knows.
using BulkWork = absl::StatusOr<grpc::Slice> (*)(const grpc::ByteBuffer& request, const CallParts& parts,
                                                 const IsCancelled& is_cancelled,
                                                 ByteBudget::Reservation& reservation, CallRecord& record);

struct BulkMethod {
  Method method;
  BulkWork work;
  // Works on tensors: holds a copy of its request too, and may make much of a
  // small one. (RandomMasking holds a copy where tokens land for a device.)
  bool on_tensors;
};

// Each serves a call that was accepted, in a coroutine that holds `live`.

// A unary call of bulk: waits in line for room, then reads and works. `method`
// outlives it.
Detached ServeBulk(std::unique_ptr<StreamCall> call, const BulkMethod& method, CallParts& parts,
                   LiveCount::Ticket live);

// maskd.v1.MaskingService.
Detached ServeStreamRandomMasking(std::unique_ptr<StreamCall> call, CallParts& parts, LiveCount::Ticket live);
Detached ServeGenerateMask(std::unique_ptr<MessageCall> call, CallParts& parts, LiveCount::Ticket live);
Detached ServeGetServerInfo(std::unique_ptr<MessageCall> call, CallParts& parts, LiveCount::Ticket live);

// maskd.v1.TensorService.
Detached ServeStreamTensors(std::unique_ptr<StreamCall> call, CallParts& parts, LiveCount::Ticket live);

// grpc.health.v1.Health.
Detached ServeHealthCheck(std::unique_ptr<MessageCall> call, CallParts& parts, LiveCount::Ticket live);
Detached ServeHealthWatch(std::unique_ptr<StreamCall> call, CallParts& parts, LiveCount::Ticket live);

// A call of a method that there is not.
Detached ServeUnknownMethod(std::unique_ptr<StreamCall> call, CallParts& parts, LiveCount::Ticket live);

}  // namespace maskd

#endif  // MASKD_SERVER_CALLS_H_
