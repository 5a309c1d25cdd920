// The server of the empty RPC: what a call of gRPC costs if nothing is done.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_EMPTY_SERVER_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_EMPTY_SERVER_H_

#include "absl/status/status.h"

namespace maskd::transport {

// Listens on any port of 127.0.0.1, prints "listening on ADDRESS" to stdout and
// answers every GenerateMask with no bytes, so that the call differs from
// maskd's in messages and work alone. Raw messages on one completion queue with
// one thread. Returns if it cannot listen.
absl::Status ServeEmpty();

// The same on gRPC's callback API, whose threads are its own.
absl::Status ServeEmptyByCallbacks();

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_EMPTY_SERVER_H_
