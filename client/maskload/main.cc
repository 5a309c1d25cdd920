// maskload: load tests of maskd servers.
#include <grpc/grpc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <stop_token>
#include <thread>

#include "client/maskload/commands.h"
#include "kernels/file_limit.h"
#include "kernels/host_memory.h"
#include "proto/left_out.h"

namespace {

// The first SIGINT or SIGTERM requests a stop, the second ends the process. To be
// called before any other thread starts.
std::stop_token StopOnSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::stop_source source;
  std::thread([signals, source]() mutable {
    int signal = 0;
    sigwait(&signals, &signal);
    source.request_stop();
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    for (;;) pause();
  }).detach();
  return source.get_token();
}

}  // namespace

int main(int argc, char** argv) {
  maskd::KeepFreedMemory();
  maskd::LeaveOutMutexChecks();
  maskd::LeaveOutLog();
  maskd::AllowManyFiles();
  const std::stop_token stop = StopOnSignal();
  // The kernel may otherwise let a call begin 50 us late.
  prctl(PR_SET_TIMERSLACK, 1);
  // Never shut down: gRPC would join a thread that may sleep for 10 s.
  grpc_init();
  return static_cast<int>(maskd::maskload::RunMaskload(argc, argv, stop));
}
