#include "tests/benchmark/transport/line_reader.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <array>

#include "absl/status/status.h"

namespace maskd::transport {
namespace {

bool IsReadable(int fd, std::chrono::milliseconds timeout) {
  pollfd readable = {.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&readable, 1, static_cast<int>(timeout.count())) > 0;
}

}  // namespace

absl::StatusOr<std::string> LineReader::ReadLine(std::chrono::milliseconds timeout) {
  for (;;) {
    if (const auto end = read_.find('\n'); end != std::string::npos) {
      std::string line = read_.substr(0, end);
      read_.erase(0, end + 1);
      return line;
    }
    if (!IsReadable(fd_, timeout)) return absl::DeadlineExceededError("no line came in time");
    std::array<char, 4096> chunk;
    const ssize_t size = read(fd_, chunk.data(), chunk.size());
    if (size == 0) return absl::OutOfRangeError("the pipe ended");
    if (size < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "read");
    if (size > 0) read_.append(chunk.data(), static_cast<std::size_t>(size));
  }
}

bool LineReader::HasInput() const { return !read_.empty() || IsReadable(fd_, std::chrono::milliseconds(0)); }

}  // namespace maskd::transport
