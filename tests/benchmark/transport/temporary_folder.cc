#include "tests/benchmark/transport/temporary_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"

namespace maskd::transport {

absl::StatusOr<std::unique_ptr<TemporaryFolder>> TemporaryFolder::Make() {
  std::error_code error;
  std::string path = std::filesystem::temp_directory_path(error) / "transport_bench.XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return absl::ErrnoToStatus(errno, path);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(std::move(path), signals));
}

TemporaryFolder::TemporaryFolder(std::string path, const sigset_t& signals)
    : path_(std::move(path)), signals_(signals), waiter_([this] { AwaitSignal(); }) {}

TemporaryFolder::~TemporaryFolder() {
  stopping_ = true;
  pthread_kill(waiter_.native_handle(), SIGTERM);
  waiter_.join();
  Remove();
}

void TemporaryFolder::Remove() const {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TemporaryFolder::AwaitSignal() {
  int signal = 0;
  sigwait(&signals_, &signal);
  if (stopping_) return;
  Remove();
  _exit(128 + signal);
}

}  // namespace maskd::transport
