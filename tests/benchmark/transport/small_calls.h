// Calls in which the transport of bytes plays no part: GenerateMask of N=1, and
// the empty RPC.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_SMALL_CALLS_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_SMALL_CALLS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/benchmark/transport/measured_call.h"

namespace maskd::transport {

// A measured call "...-in-flight" is so many calls, kInFlight of them at a time
// on one channel, from one thread.
inline constexpr int kCallsPerFlight = 8000;
inline constexpr int kInFlight = 16;

// By name:
//   generate-mask, empty                      one blocking call at a time
//   generate-mask-in-flight, empty-in-flight  kCallsPerFlight calls
//   generate-mask-client                      one call of MaskingClient at a time
// But for the last, which is what a user writes, the client's code is the same
// for GenerateMask and the empty RPC, on messages that were encoded before.
//
// Returns INVALID_ARGUMENT for an unknown name.
absl::StatusOr<std::unique_ptr<MeasuredCall>> MakeSmallCall(const std::string& name,
                                                            const std::string& address);

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_SMALL_CALLS_H_
