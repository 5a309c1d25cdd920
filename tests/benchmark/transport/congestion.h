// One congestion control for every TCP socket of a run, gRPC's included: on
// loopback it changes the time of a large call by a factor of 3.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_CONGESTION_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_CONGESTION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace maskd::transport {

// Has child processes that are started from now on use `choice`: the name of
// an algorithm; "default", which is the host's; or "auto", which is the host's
// but for BBR, for which cubic comes in, or reno where there is no cubic.
// `preload` is the path of the library of congestion_preload.cc.
//
// Returns the name of the algorithm that they use, or FAILED_PRECONDITION if
// the kernel does not let this user choose it.
absl::StatusOr<std::string> SetCongestionControlOfChildren(const std::string& choice,
                                                           const std::string& preload);

// Returns FAILED_PRECONDITION unless the TCP socket `fd` has what was set for
// this process.
absl::Status CheckCongestionControl(int fd);

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_CONGESTION_H_
