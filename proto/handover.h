// Tells ThreadSanitizer what gRPC orders.
//
// The distribution's gRPC is not instrumented: what one thread does before it
// hands something to gRPC, and another after gRPC has handed it on, would look
// like a race. These do nothing in other builds.
#ifndef MASKD_PROTO_HANDOVER_H_
#define MASKD_PROTO_HANDOVER_H_

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace maskd {

// To be called before gRPC is given `what`: a tag, or bytes to send.
inline void HandToGrpc([[maybe_unused]] const void* what) {
#ifdef __SANITIZE_THREAD__
  __tsan_release(const_cast<void*>(what));
#endif
}

// To be called when gRPC has given it back, or to another, before anything is
// done with it.
inline void TakeFromGrpc([[maybe_unused]] const void* what) {
#ifdef __SANITIZE_THREAD__
  __tsan_acquire(const_cast<void*>(what));
#endif
}

}  // namespace maskd

#endif  // MASKD_PROTO_HANDOVER_H_
