// Cores that do not sleep while small calls are timed.
//
// In a virtual machine a core that has nothing to do is given back to the host, and
// to wake it takes 50 to 200 us: more than a small call does, and other in each round.
// Not for what keeps more threads busy than there are cores: the kernel moves threads
// to cores that sleep sooner than to these.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_AWAKE_CORES_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_AWAKE_CORES_H_

#include "absl/status/status.h"

namespace maskd::transport {

// Has each core that this process may use count to nothing whenever nobody else
// wants it (SCHED_IDLE), until stdin ends.
absl::Status KeepCoresAwake();

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_AWAKE_CORES_H_
