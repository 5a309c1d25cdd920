// A call as one line of a log.
#ifndef MASKD_SERVER_CALL_LINE_H_
#define MASKD_SERVER_CALL_LINE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "server/call_record.h"

namespace maskd {

// `text` as JSON has it within quotes, in printable ASCII: nothing in it ends a line or
// a string. Of more than `max_size` bytes the rest is left out, and dots say so.
std::string Escaped(std::string_view text, std::size_t max_size = 1024);

// call failed method="/maskd.v1.MaskingService/GenerateMask" peer="ipv4:..." ...
std::string TextLine(const CallReport& report);

// The same as members of a JSON object, without its braces: "message":"call failed", ...
std::string JsonMembers(const CallReport& report);

}  // namespace maskd

#endif  // MASKD_SERVER_CALL_LINE_H_
