#include "server/health.h"

#include <utility>

#include "maskd/v1/masking_service.grpc.pb.h"

namespace maskd {

using ::grpc::health::v1::HealthCheckResponse;

void Health::StopServing() {
  std::set<Watcher*> waiting;
  {
    const std::lock_guard lock(mutex_);
    serving_ = false;
    waiting.swap(watchers_);
  }
  for (Watcher* watcher : waiting) watcher->changed.Set(true);
}

void Health::EndWatches() {
  std::set<Watcher*> waiting;
  {
    const std::lock_guard lock(mutex_);
    watches_ended_ = true;
    waiting.swap(watchers_);
  }
  for (Watcher* watcher : waiting) watcher->changed.Set(false);
}

Health::Status Health::StatusOf(const std::string& service) const {
  const std::lock_guard lock(mutex_);
  return StatusLocked(service);
}

Health::Status Health::StatusLocked(const std::string& service) const {
  if (!service.empty() && service != v1::MaskingService::service_full_name())
    return HealthCheckResponse::SERVICE_UNKNOWN;
  return serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

void Health::Wait(const std::string& service, Status status, Watcher& watcher) {
  watcher.changed.Reset();
  bool over = false;
  {
    const std::lock_guard lock(mutex_);
    over = watcher.over_ || watches_ended_;
    if (!over && StatusLocked(service) == status) {
      watchers_.insert(&watcher);
      return;
    }
  }
  watcher.changed.Set(!over);
}

void Health::Leave(Watcher& watcher) {
  {
    const std::lock_guard lock(mutex_);
    watcher.over_ = true;
    if (watchers_.erase(&watcher) == 0) return;
  }
  watcher.changed.Set(false);
}

}  // namespace maskd
