#include "tests/benchmark/transport/client_process.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "kernels/status_macros.h"
#include "tests/benchmark/transport/line_reader.h"

namespace maskd::transport {
namespace {

constexpr int kWarmUps = 4;

void Answer(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

absl::StatusOr<std::string> MakeCalls(MeasuredCall& call, int count) {
  std::vector<double> seconds;
  for (int i = 0; i < count; ++i) {
    MASKD_ASSIGN_OR_RETURN(seconds.emplace_back(), call.Call());
  }
  return absl::StrJoin(seconds, " ");
}

absl::StatusOr<std::string> Load(MeasuredCall& call, const LineReader& commands) {
  MASKD_RETURN_IF_ERROR(MakeCalls(call, kWarmUps).status());
  Answer("loading");
  const Stopwatch stopwatch;
  int calls = 0;
  for (; !commands.HasInput(); ++calls) MASKD_RETURN_IF_ERROR(call.Call().status());
  return absl::StrCat(calls, " ", stopwatch.seconds());
}

absl::StatusOr<std::vector<double>> ParseNumbers(const std::string& line) {
  std::vector<double> numbers;
  for (const absl::string_view word : absl::StrSplit(line, ' ')) {
    if (!absl::SimpleAtod(word, &numbers.emplace_back())) {
      return absl::InternalError(absl::StrCat("a client answered: ", line));
    }
  }
  return numbers;
}

}  // namespace

absl::Status ServeCommands(const ClientOptions& options) {
  if (!options.warm_address.empty()) {
    MeasuredCallChoice warm = options.call;
    warm.address = options.warm_address;
    MASKD_ASSIGN_OR_RETURN(const auto call, MakeMeasuredCall(warm));
    MASKD_RETURN_IF_ERROR(MakeCalls(*call, kWarmUps).status());
  }
  MASKD_ASSIGN_OR_RETURN(const auto call, MakeMeasuredCall(options.call));
  Answer("connected");

  LineReader commands(STDIN_FILENO);
  for (;;) {
    const absl::StatusOr<std::string> line = commands.ReadLine(std::chrono::milliseconds(-1));
    if (absl::IsOutOfRange(line.status())) return absl::OkStatus();
    MASKD_RETURN_IF_ERROR(line.status());
    absl::string_view word = *line;
    int count = 0;
    if (word == "load") {
      MASKD_ASSIGN_OR_RETURN(const std::string answer, Load(*call, commands));
      MASKD_RETURN_IF_ERROR(commands.ReadLine(std::chrono::milliseconds(-1)).status());
      Answer(answer);
    } else if (absl::ConsumePrefix(&word, "call ") && absl::SimpleAtoi(word, &count)) {
      MASKD_ASSIGN_OR_RETURN(const std::string answer, MakeCalls(*call, count));
      Answer(answer);
    } else {
      return absl::InvalidArgumentError(absl::StrCat("there is no command ", *line));
    }
  }
}

absl::StatusOr<ClientProcess> ClientProcess::Start(const Setting& setting, const ClientOptions& options) {
  const MeasuredCallChoice& call = options.call;
  std::vector<std::string> arguments = {setting.program,
                                        "client",
                                        "--call=" + call.name,
                                        "--address=" + call.address,
                                        absl::StrCat("--batch_size=", call.batch_size),
                                        absl::StrCat("--clients=", call.clients)};
  if (!call.root_certificate.empty()) arguments.push_back("--root_certificate=" + call.root_certificate);
  if (!options.warm_address.empty()) arguments.push_back("--warm_address=" + options.warm_address);
  if (options.default_malloc) arguments.emplace_back("--default_malloc");
  MASKD_ASSIGN_OR_RETURN(auto process, ChildProcess::Start(std::move(arguments)));
  MASKD_RETURN_IF_ERROR(process->ReadLine().status());
  return ClientProcess(std::move(process));
}

absl::StatusOr<std::vector<double>> ClientProcess::Call(int warm_ups, int count) {
  MASKD_RETURN_IF_ERROR(process_->WriteLine(absl::StrCat("call ", warm_ups + count)));
  MASKD_ASSIGN_OR_RETURN(const std::string answer, process_->ReadLine());
  MASKD_ASSIGN_OR_RETURN(std::vector<double> seconds, ParseNumbers(answer));
  seconds.erase(seconds.begin(), seconds.begin() + warm_ups);
  return seconds;
}

absl::Status ClientProcess::StartLoad() {
  MASKD_RETURN_IF_ERROR(process_->WriteLine("load"));
  return process_->ReadLine().status();
}

absl::StatusOr<double> ClientProcess::StopLoad() {
  MASKD_RETURN_IF_ERROR(process_->WriteLine("stop"));
  MASKD_ASSIGN_OR_RETURN(const std::string answer, process_->ReadLine());
  MASKD_ASSIGN_OR_RETURN(const std::vector<double> numbers, ParseNumbers(answer));
  if (numbers.size() != 2) return absl::InternalError(absl::StrCat("a client answered: ", answer));
  return numbers[0] / numbers[1];
}

}  // namespace maskd::transport
