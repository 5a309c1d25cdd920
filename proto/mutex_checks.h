// Abseil's checks of mutexes, which gRPC's locks are made of.
#ifndef MASKD_PROTO_MUTEX_CHECKS_H_
#define MASKD_PROTO_MUTEX_CHECKS_H_

#include "absl/synchronization/mutex.h"

namespace maskd {

// The distribution builds Abseil with the search for deadlocks of debug builds: each
// lock of gRPC would enter a graph that all threads share, 3 us of the 50 that a small
// call takes. To be called first in main; it is not a library's to change.
inline void LeaveOutMutexChecks() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

}  // namespace maskd

#endif  // MASKD_PROTO_MUTEX_CHECKS_H_
