// What gRPC and Abseil do for each call and nobody here uses.
#ifndef MASKD_PROTO_LEFT_OUT_H_
#define MASKD_PROTO_LEFT_OUT_H_

#include <grpc/grpc.h>
#include <grpc/support/log.h>

#include <cstdlib>

#include "absl/synchronization/mutex.h"

namespace maskd {

// Arguments of channels and servers that are to be 0. Compressed requests are refused
// without the filters too.
inline constexpr const char* kLeftOutArguments[] = {
    GRPC_ARG_ENABLE_CHANNELZ,
    GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION,
    GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION,
};

// The distribution builds Abseil, of which gRPC's locks are made, with the search for
// deadlocks of debug builds: each lock would enter a graph that all threads share, 1 to
// 3 us of the 50 that a small call takes. To be called first in main; it is not a
// library's to change.
inline void LeaveOutMutexChecks() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

// What gRPC writes to stderr of its own accord, in ten lines what the status of a call has in
// one. GRPC_VERBOSITY brings it back. Of programs, not of libraries.
inline void LeaveOutLog() {
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
}

}  // namespace maskd

#endif  // MASKD_PROTO_LEFT_OUT_H_
