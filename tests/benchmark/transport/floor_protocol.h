// What the floors send: the least that a masking service could.
//
// The server sends one byte when it is ready for calls. A call is a FloorCall
// and the tokens; its answer is mask, ids_restore and kept tokens. The buffered
// floor answers when it has all tokens. The streaming floor draws the order
// first, and sends kept tokens while tokens arrive.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_FLOOR_PROTOCOL_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_FLOOR_PROTOCOL_H_

#include <cstdint>
#include <span>
#include <type_traits>

namespace maskd::transport {

// Both ends are the same program on the same host: sent as it lies in memory.
struct FloorCall {
  std::int64_t batch_size;  // N, at most kMaxBatchSize
  std::uint64_t seed;
  std::uint64_t streaming;  // 1 or 0
};
static_assert(std::has_unique_object_representations_v<FloorCall>);

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_FLOOR_PROTOCOL_H_
