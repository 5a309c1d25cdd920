#include "server/masking_service.h"

#include <memory>
#include <utility>

#include "proto/handover.h"
#include "server/bulk_works.h"

namespace maskd {
namespace {

// Calls of a kind that can be accepted at once; each is accepted again when it
// has been handed on.
constexpr int kAcceptsOfSmallCalls = 32;
constexpr int kAcceptsOfOtherCalls = 8;

}  // namespace

void MaskingService::Stop() {
  if (queue_ == nullptr) return;
  live_.WaitUntilNone();
  queue_->Shutdown();
  for (std::thread& thread : poll_threads_) thread.join();
  // A queue must be empty when it goes, also if nobody polled.
  Poll();
  queue_.reset();
}

void MaskingService::Register(grpc::ServerBuilder& builder) {
  builder.RegisterService(&methods_);
  builder.RegisterService(&tensor_methods_);
  builder.RegisterService(&health_methods_);
  builder.RegisterAsyncGenericService(&others_);
  queue_ = builder.AddCompletionQueue();
}

void MaskingService::Serve(int num_poll_threads) {
  for (int i = 0; i < kAcceptsOfSmallCalls; ++i) AcceptGenerateMask();
  AcceptGetServerInfo();
  AcceptHealthCheck();
  for (int i = 0; i < kAcceptsOfOtherCalls; ++i) AcceptOthers();
  for (int i = 0; i < num_poll_threads; ++i) poll_threads_.emplace_back([this] { Poll(); });
}

void MaskingService::Poll() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
    TakeFromGrpc(tag);
    static_cast<Event*>(tag)->Set(ok);
  }
}

Detached MaskingService::AcceptGenerateMask() {
  const LiveCount::Ticket ticket(live_);
  for (;;) {
    auto call = std::make_unique<MessageCall>();
    methods_.RequestGenerateMask(&call->context, &call->request, &call->writer, queue_.get(), queue_.get(),
                                 &call->accepted);
    if (!co_await call->accepted) co_return;
    ServeGenerateMask(std::move(call), parts_, LiveCount::Ticket(live_));
  }
}

Detached MaskingService::AcceptGetServerInfo() {
  const LiveCount::Ticket ticket(live_);
  for (;;) {
    auto call = std::make_unique<MessageCall>();
    methods_.RequestGetServerInfo(&call->context, &call->request, &call->writer, queue_.get(), queue_.get(),
                                  &call->accepted);
    if (!co_await call->accepted) co_return;
    ServeGetServerInfo(std::move(call), parts_, LiveCount::Ticket(live_));
  }
}

Detached MaskingService::AcceptHealthCheck() {
  const LiveCount::Ticket ticket(live_);
  for (;;) {
    auto call = std::make_unique<MessageCall>();
    health_methods_.RequestCheck(&call->context, &call->request, &call->writer, queue_.get(), queue_.get(),
                                 &call->accepted);
    if (!co_await call->accepted) co_return;
    ServeHealthCheck(std::move(call), parts_, LiveCount::Ticket(live_));
  }
}

Detached MaskingService::AcceptOthers() {
  const LiveCount::Ticket ticket(live_);
  for (;;) {
    auto call = std::make_unique<StreamCall>();
    others_.RequestCall(&call->context, &call->stream, queue_.get(), queue_.get(), &call->accepted);
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
