// maskload run.
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/flags/enum_option.h"
#include "client/flags/whole_number.h"
#include "client/maskload/commands.h"
#include "client/maskload/format_figures.h"
#include "client/maskload/load_flags.h"
#include "client/maskload/load_session.h"
#include "kernels/status_macros.h"

namespace maskd::maskload {
namespace {

constexpr int kOpenLoopConcurrency = 64;
constexpr double kRunDuration = 10;  // seconds

enum class Arrivals { kConstant, kPoisson };

struct RunFlags {
  LoadFlags load;
  std::optional<double> rate;
  Arrivals arrivals = Arrivals::kConstant;
  std::uint64_t arrivals_seed = 1;
  std::optional<std::int64_t> count;
};

absl::StatusOr<ExitStatus> RunOnce(RunFlags flags, const std::stop_token& stop) {
  if (!flags.load.duration.has_value() && !flags.count.has_value()) flags.load.duration = kRunDuration;
  MASKD_ASSIGN_OR_RETURN(
      const auto session,
      LoadSession::Begin(flags.load, flags.rate.has_value() ? kOpenLoopConcurrency : 1, stop));
  RunPlan plan = session->Plan();
  plan.rate = flags.rate;
  plan.poisson = flags.arrivals == Arrivals::kPoisson;
  plan.pacer_seed = flags.arrivals_seed;
  plan.limits.count = flags.count;
  const MeasuredRun run = session->Measure(plan, stop);
  std::string loop = absl::StrCat("closed, ", plan.limits.concurrency, " in flight");
  if (plan.rate.has_value()) {
    loop =
        absl::StrCat("open, ", FormatNumber(*plan.rate), " calls/s, ", plan.poisson ? "Poisson" : "constant",
                     ", at most ", plan.limits.concurrency, " in flight");
  }
  return session->Deliver(session->Report(plan, run, loop));
}

}  // namespace

Command AddRunCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "run",
      "Call servers for a while and report what came of it. Without --rate, each worker calls when\n"
      "its last call has ended (closed loop); with it, calls begin when they are due (open loop).\n\n"
      "Example: maskload run --address=localhost:50051 --rate=50 --duration=30s --report=out.html\n");
  const auto flags = std::make_shared<RunFlags>();
  command->add_option("--rate", flags->rate, "calls a second: an open loop")->check(NumberIn(1e-3, 1e7));
  AddEnumOption<Arrivals>(*command, "--arrivals", flags->arrivals,
                          {{"constant", Arrivals::kConstant}, {"poisson", Arrivals::kPoisson}},
                          "the gaps between calls of an open loop");
  command->add_option("--arrivals_seed", flags->arrivals_seed, "of Poisson arrivals")
      ->check(CheckWholeNumber)
      ->capture_default_str();
  command->add_option("--count", flags->count, "calls, after which the run ends")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  flags->load.AddTo(*command);
  return [flags](const std::stop_token& stop) { return RunOnce(*flags, stop); };
}

}  // namespace maskd::maskload
