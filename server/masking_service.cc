#include "server/masking_service.h"

#include <memory>
#include <utility>

#include "server/bulk_works.h"

namespace maskd {
namespace {

// Calls of a kind that a poller can accept at once; each is accepted again when it
// has been handed on.
constexpr int kAcceptsOfSmallCalls = 32;
constexpr int kAcceptsOfOtherCalls = 8;

}  // namespace

void MaskingService::Stop() {
  live_.WaitUntilNone();
  pollers_.clear();
}

void MaskingService::Register(grpc::ServerBuilder& builder, int num_pollers) {
  builder.RegisterService(&methods_);
  builder.RegisterService(&tensor_methods_);
  builder.RegisterService(&health_methods_);
  builder.RegisterAsyncGenericService(&others_);
  for (int i = 0; i < num_pollers; ++i) pollers_.push_back(std::make_unique<Poller>(builder));
}

void MaskingService::Serve() {
  for (const std::unique_ptr<Poller>& poller : pollers_) {
    for (int i = 0; i < kAcceptsOfSmallCalls; ++i) AcceptGenerateMask(*poller);
    AcceptGetServerInfo(*poller);
    AcceptHealthCheck(*poller);
    for (int i = 0; i < kAcceptsOfOtherCalls; ++i) AcceptOthers(*poller);
    poller->Start();
  }
}

Detached MaskingService::AcceptGenerateMask(Poller& poller) {
  const LiveCount::Ticket ticket(live_);
  for (;;) {
    auto call = std::make_unique<MessageCall>(poller);
    methods_.RequestGenerateMask(&call->context, &call->request, &call->writer, poller.queue(),
                                 poller.queue(), &call->accepted);
    if (!co_await call->accepted) co_return;
    ServeGenerateMask(std::move(call), parts_, LiveCount::Ticket(live_));
  }
}

Detached MaskingService::AcceptGetServerInfo(Poller& poller) {
  const LiveCount::Ticket ticket(live_);
  for (;;) {
    auto call = std::make_unique<MessageCall>(poller);
    methods_.RequestGetServerInfo(&call->context, &call->request, &call->writer, poller.queue(),
                                  poller.queue(), &call->accepted);
    if (!co_await call->accepted) co_return;
    ServeGetServerInfo(std::move(call), parts_, LiveCount::Ticket(live_));
  }
}

Detached MaskingService::AcceptHealthCheck(Poller& poller) {
  const LiveCount::Ticket ticket(live_);
  for (;;) {
    auto call = std::make_unique<MessageCall>(poller);
    health_methods_.RequestCheck(&call->context, &call->request, &call->writer, poller.queue(),
                                 poller.queue(), &call->accepted);
    if (!co_await call->accepted) co_return;
    ServeHealthCheck(std::move(call), parts_, LiveCount::Ticket(live_));
  }
}

Detached MaskingService::AcceptOthers(Poller& poller) {
  const LiveCount::Ticket ticket(live_);
  for (;;) {
    auto call = std::make_unique<StreamCall>(poller);
    others_.RequestCall(&call->context, &call->stream, poller.queue(), poller.queue(), &call->accepted);
    if (!co_await call->accepted) co_return;
    const std::string method = call->context.method();
    if (const BulkMethod* const bulk = FindBulkMethod(method); bulk != nullptr) {
      ServeBulk(std::move(call), *bulk, parts_, LiveCount::Ticket(live_));
    } else if (method == PathOf(Method::kStreamRandomMasking)) {
      ServeStreamRandomMasking(std::move(call), parts_, LiveCount::Ticket(live_));
    } else if (method == PathOf(Method::kStreamTensors)) {
      ServeStreamTensors(std::move(call), parts_, LiveCount::Ticket(live_));
    } else if (method == PathOf(Method::kHealthWatch)) {
      ServeHealthWatch(std::move(call), parts_, LiveCount::Ticket(live_));
    } else {
      ServeUnknownMethod(std::move(call), parts_, LiveCount::Ticket(live_));
    }
  }
}

}  // namespace maskd
