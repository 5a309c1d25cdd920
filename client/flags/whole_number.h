// What a flag that is an unsigned number of 64 bits may be.
#ifndef MASKD_CLIENT_FLAGS_WHOLE_NUMBER_H_
#define MASKD_CLIENT_FLAGS_WHOLE_NUMBER_H_

#include <cerrno>
#include <cstdlib>
#include <string>

namespace maskd {

// For CLI::Option::check: empty if `text` is a whole number below 2^64. CLI11 takes the
// nearest for one that is not, and wraps negative ones.
inline std::string CheckWholeNumber(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  std::strtoull(text.c_str(), &end, 0);
  const bool whole = !text.empty() && *end == '\0' && errno == 0 && text.find('-') == std::string::npos;
  return whole ? "" : "\"" + text + "\" is no whole number from 0 to 18446744073709551615";
}

}  // namespace maskd

#endif  // MASKD_CLIENT_FLAGS_WHOLE_NUMBER_H_
