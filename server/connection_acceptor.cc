#include "server/connection_acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace maskd {
namespace {

// Files that the process can open however many connections there are: pages of metrics,
// the kernel's figures, a card's driver.
constexpr int kSpareDescriptors = 64;

// How long to wait until accepting is tried again where the system has no memory or files,
// or a network that is down.
constexpr std::chrono::milliseconds kPause(100);

// See first_refused_descriptor_. `open` is any that is.
int FirstRefusedDescriptor(int open, int max_connections) {
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  const int lowest_free = fcntl(open, F_DUPFD_CLOEXEC, 0);
  close(lowest_free);
  const std::int64_t here = std::max(lowest_free, 0);
  // However few files are allowed, there is room for one connection.
  const std::int64_t allowed = std::max<std::int64_t>(
      static_cast<std::int64_t>(std::min<rlim_t>(files.rlim_cur, INT32_MAX)) - kSpareDescriptors, here + 1);
  return static_cast<int>(std::min(allowed, here + max_connections));
}

}  // namespace

ConnectionAcceptor::ConnectionAcceptor(std::vector<Source> sources, const Options& options, Count& refused)
    : sources_(std::move(sources)),
      options_(options),
      first_refused_descriptor_(
          FirstRefusedDescriptor(sources_.front().sockets.front().descriptor(), options.max_connections)),
      refused_(refused),
      thread_([this] { Run(); }) {}

ConnectionAcceptor::~ConnectionAcceptor() {
  stopping_ = true;
  for (const Source& source : sources_) {
    for (const ListeningSocket& socket : source.sockets)
      shutdown(socket.descriptor(), SHUT_RDWR);  // wakes it
  }
  thread_.join();
}

void ConnectionAcceptor::Run() {
  std::vector<pollfd> waits;
  std::vector<const Source*> owners;
  for (const Source& source : sources_) {
    for (const ListeningSocket& socket : source.sockets) {
      waits.push_back({.fd = socket.descriptor(), .events = POLLIN, .revents = 0});
      owners.push_back(&source);
    }
  }
  for (;;) {
    poll(waits.data(), waits.size(), -1);
    if (stopping_) return;
    bool troubled = false;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].revents != 0) troubled |= !AcceptFrom(*owners[i], waits[i].fd);
    }
    if (troubled) std::this_thread::sleep_for(kPause);
  }
}

bool ConnectionAcceptor::AcceptFrom(const Source& source, int listener) {
  const int connection = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (connection >= first_refused_descriptor_) {
    close(connection);
    refused_.Add(1);
    Warn(absl::StrCat("a connection was closed at once: ", first_refused_descriptor_,
                      " files and connections are open (--max_connections, ulimit -n)"));
    return true;
  }
  if (connection >= 0) {
    source.take(listener, connection);
    return true;
  }
  const int error = errno;
  if (error == EAGAIN || error == EINTR || error == ECONNABORTED) return true;  // it is gone
  Warn(absl::StrCat("a connection has to wait: ", std::strerror(error)));
  return false;
}

void ConnectionAcceptor::Warn(const std::string& sentence) {
  const std::optional<std::int64_t> left_out = lines_.Take(std::chrono::steady_clock::now());
  if (!left_out.has_value()) return;
  options_.warn(*left_out == 0 ? sentence
                               : absl::StrCat(sentence, "; ", *left_out, " such lines were left out"));
}

}  // namespace maskd
