#include "tests/benchmark/transport/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace maskd::transport {
namespace {

// No single answer takes longer; a child that hangs must not hang the benchmark.
constexpr std::chrono::minutes kPatience{5};

// What the child does between fork and its program. Only calls that are safe
// after a fork of a process with threads.
[[noreturn]] void Become(char* const* arguments, int input, int output, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0) execv(arguments[0], arguments);
  _exit(127);
}

std::string HowItEnded(pid_t pid) {
  siginfo_t info = {};
  // Leaves it to the destructor to wait for.
  waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  return info.si_code == CLD_EXITED ? absl::StrCat("ended with status ", info.si_status)
                                    : absl::StrCat("was ended by signal ", info.si_status);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  std::ranges::transform(arguments, std::back_inserter(argv), [](std::string& each) { return each.data(); });
  argv.push_back(nullptr);

  std::array<int, 2> to_child;
  std::array<int, 2> from_child;
  if (pipe2(to_child.data(), O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  if (pipe2(from_child.data(), O_CLOEXEC) != 0) {
    close(to_child[0]);
    close(to_child[1]);
    return absl::ErrnoToStatus(errno, "pipe2");
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) Become(argv.data(), to_child[0], from_child[1], parent);
  const int error = errno;
  close(to_child[0]);
  close(from_child[1]);
  if (pid < 0) {
    close(to_child[1]);
    close(from_child[0]);
    return absl::ErrnoToStatus(error, "fork");
  }
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(absl::StrJoin(arguments, " "), pid, to_child[1], from_child[0]));
}

ChildProcess::~ChildProcess() {
  close(input_);
  close(output_);
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

absl::Status ChildProcess::WriteLine(const std::string& line) {
  const std::string bytes = line + "\n";
  // So little always fits.
  if (write(input_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()))
    return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(name_, " takes no commands: it ", HowItEnded(pid_)));
}

absl::StatusOr<std::string> ChildProcess::ReadLine() {
  absl::StatusOr<std::string> line = lines_.ReadLine(kPatience);
  if (line.ok()) return line;
  if (absl::IsOutOfRange(line.status())) {
    return absl::UnavailableError(absl::StrCat(name_, " ", HowItEnded(pid_)));
  }
  return absl::Status(line.status().code(), absl::StrCat(name_, ": ", line.status().message()));
}

}  // namespace maskd::transport
