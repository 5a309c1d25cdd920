// Status codes of gRPC as metrics and log have them.
#ifndef MASKD_SERVER_CODE_NAMES_H_
#define MASKD_SERVER_CODE_NAMES_H_

#include <array>
#include <string_view>

namespace maskd {

// By code.
inline constexpr std::array<std::string_view, 17> kCodeNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

}  // namespace maskd

#endif  // MASKD_SERVER_CODE_NAMES_H_
