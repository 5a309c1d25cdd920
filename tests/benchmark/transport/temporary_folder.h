// A place for sockets and keys that is gone after the run.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_TEMPORARY_FOLDER_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_TEMPORARY_FOLDER_H_

#include <signal.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"

namespace maskd::transport {

// A folder for this user alone. It goes with this object, or with the process
// if SIGINT, SIGTERM or SIGHUP ends it.
class TemporaryFolder {
 public:
  // To be called before any thread starts: the signals are blocked from then on.
  static absl::StatusOr<std::unique_ptr<TemporaryFolder>> Make();
  ~TemporaryFolder();

  const std::string& path() const { return path_; }

 private:
  TemporaryFolder(std::string path, const sigset_t& signals);

  void Remove() const;
  void AwaitSignal();

  const std::string path_;
  const sigset_t signals_;
  std::atomic<bool> stopping_ = false;
  std::thread waiter_;
};

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_TEMPORARY_FOLDER_H_
