#include "tests/benchmark/transport/awake_cores.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/benchmark/transport/line_reader.h"

namespace maskd::transport {
namespace {

[[noreturn]] void Spin(int core) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(core, &only);
  pthread_setaffinity_np(pthread_self(), sizeof(only), &only);
  for (volatile unsigned turns = 0;;) turns = turns + 1;
}

}  // namespace

absl::Status KeepCoresAwake() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0)
    return absl::ErrnoToStatus(errno, "sched_getaffinity");
  // Of this thread and those that it starts. Without it the others would have half of each core.
  const sched_param parameters = {};
  if (sched_setscheduler(0, SCHED_IDLE, &parameters) != 0) return absl::ErrnoToStatus(errno, "SCHED_IDLE");
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &cores)) std::thread(Spin, core).detach();
  }
  LineReader commands(STDIN_FILENO);
  while (commands.ReadLine(std::chrono::milliseconds(-1)).ok()) {
  }
  std::_Exit(EXIT_SUCCESS);  // the others never end
}

}  // namespace maskd::transport
