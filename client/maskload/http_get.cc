#include "client/maskload/http_get.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "kernels/status_macros.h"

namespace maskd::maskload {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

struct Url {
  std::string host;
  std::string port;
  std::string path;
};

std::optional<Url> ParseUrl(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "http://")) return std::nullopt;
  const auto slash = text.find('/');
  const absl::string_view place = text.substr(0, slash);
  const auto colon = place.rfind(':');
  if (colon == absl::string_view::npos || colon == 0 || colon + 1 == place.size()) return std::nullopt;
  absl::string_view host = place.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  return Url{.host = std::string(host),
             .port = std::string(place.substr(colon + 1)),
             .path = slash == absl::string_view::npos ? "/" : std::string(text.substr(slash))};
}

// A connected socket, closed with the object.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() { close(descriptor_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

absl::StatusOr<std::unique_ptr<Socket>> Connect(const Url& url, std::chrono::milliseconds timeout) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found); error != 0)
    return absl::UnavailableError(gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  int error = 0;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    auto socket_there = std::make_unique<Socket>(
        socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol));
    const timeval wait{.tv_sec = timeout.count() / 1000, .tv_usec = timeout.count() % 1000 * 1000};
    setsockopt(socket_there->descriptor(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(socket_there->descriptor(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    if (connect(socket_there->descriptor(), address->ai_addr, address->ai_addrlen) == 0) return socket_there;
    error = errno;
  }
  return absl::UnavailableError(std::strerror(error));
}

// What the peer answers to `request`, until it closes.
absl::StatusOr<std::string> Exchange(const Socket& socket, absl::string_view request) {
  while (!request.empty()) {
    const ssize_t sent = send(socket.descriptor(), request.data(), request.size(), MSG_NOSIGNAL);
    if (sent <= 0) return absl::UnavailableError(std::strerror(errno));
    request.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string answer;
  std::vector<char> buffer(std::size_t{1} << 16);
  while (answer.size() <= kMaxBytes) {
    const ssize_t got = recv(socket.descriptor(), buffer.data(), buffer.size(), 0);
    if (got < 0) return absl::UnavailableError(std::strerror(errno));
    if (got == 0) return answer;
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return absl::UnavailableError("the page is larger than 16 MiB");
}

absl::StatusOr<std::string> Get(const Url& url, std::chrono::milliseconds timeout) {
  MASKD_ASSIGN_OR_RETURN(const std::unique_ptr<Socket> socket, Connect(url, timeout));
  // Of HTTP/1.0, so that the body ends with the connection and comes in one piece.
  MASKD_ASSIGN_OR_RETURN(const std::string answer,
                         Exchange(*socket, absl::StrCat("GET ", url.path, " HTTP/1.0\r\nHost: ", url.host,
                                                        ":", url.port, "\r\nConnection: close\r\n\r\n")));
  const auto end_of_head = answer.find("\r\n\r\n");
  if (!absl::StartsWith(answer, "HTTP/1.") || end_of_head == std::string::npos)
    return absl::UnavailableError("that is no HTTP server");
  const std::string status_line = answer.substr(0, answer.find("\r\n"));
  const std::vector<absl::string_view> words = absl::StrSplit(status_line, ' ');
  if (words.size() < 2 || words[1] != "200") return absl::UnavailableError(status_line);
  return answer.substr(end_of_head + 4);
}

}  // namespace

bool IsHttpUrl(absl::string_view url) { return ParseUrl(url).has_value(); }

absl::StatusOr<std::string> HttpGet(absl::string_view url, std::chrono::milliseconds timeout) {
  const std::optional<Url> parsed = ParseUrl(url);
  if (!parsed.has_value())
    return absl::InvalidArgumentError(absl::StrCat("\"", url, "\" is not http://host:port/path"));
  absl::StatusOr<std::string> body = Get(*parsed, timeout);
  if (body.ok()) return body;
  return absl::UnavailableError(absl::StrCat(url, ": ", std::string(body.status().message())));
}

}  // namespace maskd::maskload
