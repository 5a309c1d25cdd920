#include "client/maskload/http_get.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
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

// A file descriptor, closed with the object.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }

 private:
  const int number_;
};

// How long an exchange may wait, over all.
class Patience {
 public:
  Patience(std::chrono::milliseconds timeout, const std::stop_token& stop)
      : end_(std::chrono::steady_clock::now() + timeout),
        wake_(eventfd(0, EFD_CLOEXEC)),
        interrupt_(stop, [this] { eventfd_write(wake_.number(), 1); }) {}

  // Until one of `events` of poll(2) has happened.
  absl::Status WaitFor(const Descriptor& descriptor, short events) const {
    std::array<pollfd, 2> polled{{{.fd = descriptor.number(), .events = events, .revents = 0},
                                  {.fd = wake_.number(), .events = POLLIN, .revents = 0}}};
    for (;;) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now()).count();
      if (left <= 0) return absl::UnavailableError("timed out");
      const int ready = poll(polled.data(), polled.size(), static_cast<int>(left));
      if (ready < 0 && errno != EINTR) return absl::UnavailableError(std::strerror(errno));
      if (ready <= 0) continue;
      return polled[1].revents == 0 ? absl::OkStatus() : absl::UnavailableError("stopped");
    }
  }

 private:
  const std::chrono::steady_clock::time_point end_;
  const Descriptor wake_;
  const std::stop_callback<std::function<void()>> interrupt_;
};

absl::StatusOr<std::unique_ptr<Descriptor>> Connect(const Url& url, const Patience& patience) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found); error != 0)
    return absl::UnavailableError(gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  int error = 0;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    auto there = std::make_unique<Descriptor>(socket(
        address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol));
    if (connect(there->number(), address->ai_addr, address->ai_addrlen) == 0) return there;
    error = errno;
    if (error != EINPROGRESS) continue;
    MASKD_RETURN_IF_ERROR(patience.WaitFor(*there, POLLOUT));
    socklen_t size = sizeof(error);
    getsockopt(there->number(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return there;
  }
  return absl::UnavailableError(std::strerror(error));
}

// What the peer answers to `request`, until it closes.
absl::StatusOr<std::string> Exchange(const Descriptor& socket, absl::string_view request,
                                     const Patience& patience) {
  while (!request.empty()) {
    MASKD_RETURN_IF_ERROR(patience.WaitFor(socket, POLLOUT));
    const ssize_t sent = send(socket.number(), request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) continue;
    if (sent <= 0) return absl::UnavailableError(std::strerror(errno));
    request.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string answer;
  std::vector<char> buffer(std::size_t{1} << 16);
  while (answer.size() <= kMaxBytes) {
    MASKD_RETURN_IF_ERROR(patience.WaitFor(socket, POLLIN));
    const ssize_t got = recv(socket.number(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EAGAIN) continue;
    if (got < 0) return absl::UnavailableError(std::strerror(errno));
    if (got == 0) return answer;
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return absl::UnavailableError("the page is larger than 16 MiB");
}

absl::StatusOr<std::string> Get(const Url& url, const Patience& patience) {
  MASKD_ASSIGN_OR_RETURN(const std::unique_ptr<Descriptor> socket, Connect(url, patience));
  // Of HTTP/1.0, so that the body ends with the connection and comes in one piece.
  MASKD_ASSIGN_OR_RETURN(const std::string answer,
                         Exchange(*socket,
                                  absl::StrCat("GET ", url.path, " HTTP/1.0\r\nHost: ", url.host, ":",
                                               url.port, "\r\nConnection: close\r\n\r\n"),
                                  patience));
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

absl::StatusOr<std::string> HttpGet(absl::string_view url, std::chrono::milliseconds timeout,
                                    const std::stop_token& stop) {
  const std::optional<Url> parsed = ParseUrl(url);
  if (!parsed.has_value())
    return absl::InvalidArgumentError(absl::StrCat("\"", url, "\" is not http://host:port/path"));
  absl::StatusOr<std::string> body = Get(*parsed, Patience(timeout, stop));
  if (body.ok()) return body;
  return absl::UnavailableError(absl::StrCat(url, ": ", std::string(body.status().message())));
}

}  // namespace maskd::maskload
