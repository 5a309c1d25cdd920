// What grpc.health.v1.Health says of this server.
#ifndef MASKD_SERVER_HEALTH_H_
#define MASKD_SERVER_HEALTH_H_

#include <cstdint>
#include <mutex>
#include <set>
#include <string>

#include "grpc/health/v1/health.pb.h"
#include "server/event.h"

namespace maskd {

// Serving until told otherwise, as a whole ("") and for maskd.v1.MaskingService.
// Thread-safe.
class Health {
 public:
  using Status = grpc::health::v1::HealthCheckResponse::ServingStatus;

  // Tells all watchers.
  void StopServing();
  // Ends all watches.
  void EndWatches();

  // SERVING, NOT_SERVING or SERVICE_UNKNOWN.
  Status StatusOf(const std::string& service) const;

  // One who wants to know of changes. To be destroyed after Leave.
  class Watcher {
   public:
    Event changed;  // set to true by a change, to false when the watch is over

   private:
    friend class Health;
    bool over_ = false;  // guarded by the mutex of Health
  };

  // Has `changed` happen at the next change after `status` of `service`.
  void Wait(const std::string& service, Status status, Watcher& watcher);
  // Ends the watch.
  void Leave(Watcher& watcher);

 private:
  Status StatusLocked(const std::string& service) const;

  mutable std::mutex mutex_;
  bool serving_ = true;          // guarded by mutex_
  bool watches_ended_ = false;   // guarded by mutex_
  std::set<Watcher*> watchers_;  // guarded by mutex_; those that wait
};

}  // namespace maskd

#endif  // MASKD_SERVER_HEALTH_H_
