// Metadata that client and server of this project tell each other beside the
// messages.
#ifndef MASKD_PROTO_METADATA_KEYS_H_
#define MASKD_PROTO_METADATA_KEYS_H_

namespace maskd {

// Of a caller, in decimal: which attempt this is, from 2 on; and the bytes of request
// and response together.
inline constexpr char kAttemptKey[] = "maskd-attempt";
inline constexpr char kCallBytesKey[] = "maskd-call-bytes";

// Of the server, in its initial metadata: there is room for the request.
inline constexpr char kAdmittedKey[] = "maskd-admitted";

}  // namespace maskd

#endif  // MASKD_PROTO_METADATA_KEYS_H_
