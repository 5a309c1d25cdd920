// Pictures in PNG files.
#ifndef MASKD_CLIENT_MASKCTL_PNG_FILE_H_
#define MASKD_CLIENT_MASKCTL_PNG_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace maskd {

inline constexpr std::int64_t kRgbBytes = 3;

// RGB, 8 bits a channel.
struct Picture {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::byte> pixels;  // [height, width, 3]
};

// Reads a PNG of any kind; transparent pixels are shown on white.
//
// Returns NOT_FOUND if the file cannot be opened, and INVALID_ARGUMENT if it is
// not a PNG, is damaged or cut short, or has more than 2^28 pixels.
absl::StatusOr<Picture> ReadPng(const std::string& path);

// Returns UNAVAILABLE if the file cannot be written.
absl::Status WritePng(const std::string& path, const Picture& picture);

}  // namespace maskd

#endif  // MASKD_CLIENT_MASKCTL_PNG_FILE_H_
