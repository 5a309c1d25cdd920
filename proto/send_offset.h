// Where in a page bytes best begin that gRPC is to send.
//
// The kernel copies them to pages of its own, behind the tens of bytes of HTTP/2 that
// go before, by rep movsb. On AMD's Zen that takes ten times as long where the
// destination is 1 to 31 bytes ahead of the source, modulo the size of a page: so it
// was for each response that began where a page begins (docs/performance.md).
#ifndef MASKD_PROTO_SEND_OFFSET_H_
#define MASKD_PROTO_SEND_OFFSET_H_

#include <cstddef>
#include <cstdint>

namespace maskd {

// Bytes from here on are copied to places that are further ahead, and that the heads
// of HTTP/2 frames move on from there.
inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::size_t kSendOffset = kPageBytes - 64;

// How far `at` is past the last such place.
inline std::int64_t PastSendOffset(const std::byte* at) {
  return static_cast<std::int64_t>((reinterpret_cast<std::uintptr_t>(at) - kSendOffset) % kPageBytes);
}

}  // namespace maskd

#endif  // MASKD_PROTO_SEND_OFFSET_H_
