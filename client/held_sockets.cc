#include "client/held_sockets.h"

#include <fcntl.h>
#include <grpc/grpc.h>
#include <grpc/support/sync.h>
#include <grpcpp/version_info.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "proto/handover.h"

#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR == 51

// ChannelArguments::SetSocketMutator is public, what it takes is in a header that is not
// installed. From src/core/lib/iomgr/socket_mutator.h of gRPC 1.51.1.
enum grpc_fd_usage {
  GRPC_FD_CLIENT_CONNECTION_USAGE,
  GRPC_FD_SERVER_LISTENER_USAGE,
  GRPC_FD_SERVER_CONNECTION_USAGE,
};

struct grpc_mutate_socket_info {
  int fd;
  grpc_fd_usage usage;
};

struct grpc_socket_mutator_vtable {
  bool (*mutate_fd)(int fd, grpc_socket_mutator* mutator);
  int (*compare)(grpc_socket_mutator* a, grpc_socket_mutator* b);
  void (*destroy)(grpc_socket_mutator* mutator);
  bool (*mutate_fd_2)(const grpc_mutate_socket_info* info, grpc_socket_mutator* mutator);
};

struct grpc_socket_mutator {
  const grpc_socket_mutator_vtable* vtable;
  gpr_refcount refcount;
};

namespace maskd {
namespace {

// Whether gRPC has shut it down, which it does before it closes it, or it never was
// connected.
bool HasEnded(int socket) {
  pollfd polled{.fd = socket, .events = 0, .revents = 0};
  return poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
}

}  // namespace

// Descriptors of its own of the sockets: gRPC may close its at any moment.
class HeldSockets::Sockets {
 public:
  Sockets() = default;
  ~Sockets() {
    for (const int socket : sockets_) close(socket);
  }

  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  // Takes hold of one that is not connected yet. False after ShutDown.
  bool Add(int socket) {
    const std::lock_guard lock(mutex_);
    if (shut_down_) return false;
    // A server that drains has the channel make another while calls end on the old one.
    for (int& held : sockets_) {
      if (!HasEnded(held)) continue;
      close(held);
      held = -1;
    }
    std::erase(sockets_, -1);
    const int held = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (held >= 0) sockets_.push_back(held);
    return true;
  }

  void ShutDown() {
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    for (const int socket : sockets_) {
      shutdown(socket, SHUT_RDWR);
      close(socket);
    }
    sockets_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<int> sockets_;  // guarded by mutex_, as is the next
  bool shut_down_ = false;
};

HeldSockets::HeldSockets() : sockets_(std::make_shared<Sockets>()) {}

void HeldSockets::HoldThoseOf(grpc::ChannelArguments& arguments) {
  // Called with each socket that the channel makes, before it is connected.
  struct Mutator : grpc_socket_mutator {
    std::shared_ptr<Sockets> sockets;
  };
  static constexpr grpc_socket_mutator_vtable kVtable = {
      .mutate_fd =
          [](int fd, grpc_socket_mutator* self) {
            TakeFromGrpc(self);
            const bool added = static_cast<Mutator*>(self)->sockets->Add(fd);
            HandToGrpc(self);
            return added;
          },
      .compare = [](grpc_socket_mutator* a,
                    grpc_socket_mutator* b) { return a == b                ? 0
                                                     : std::less<>()(a, b) ? -1
                                                                           : 1; },
      .destroy =
          [](grpc_socket_mutator* self) {
            TakeFromGrpc(self);
            delete static_cast<Mutator*>(self);
          },
      .mutate_fd_2 = nullptr,
  };
  auto* const mutator = new Mutator;
  mutator->vtable = &kVtable;
  gpr_ref_init(&mutator->refcount, 1);  // the arguments'
  mutator->sockets = sockets_;
  HandToGrpc(mutator);
  arguments.SetSocketMutator(mutator);
}

void HeldSockets::ShutDown() { sockets_->ShutDown(); }

}  // namespace maskd

#else

namespace maskd {

class HeldSockets::Sockets {};

HeldSockets::HeldSockets() = default;
void HeldSockets::HoldThoseOf(grpc::ChannelArguments&) {}
void HeldSockets::ShutDown() {}

}  // namespace maskd

#endif
