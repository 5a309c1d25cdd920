// maskload search.
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/flags/enum_option.h"
#include "client/maskload/commands.h"
#include "client/maskload/format_figures.h"
#include "client/maskload/load_flags.h"
#include "client/maskload/load_session.h"
#include "client/maskload/rate_search.h"
#include "kernels/status_macros.h"

namespace maskd::maskload {
namespace {

constexpr int kConcurrency = 64;
constexpr double kStepDuration = 5;  // seconds a step

struct SearchFlags {
  LoadFlags load;
  RateSearch::Options search;
};

SearchStep StepOf(double rate, const MeasuredRun& run, bool met) {
  const GroupFigures all = FiguresOf("all", run.tally->totals().all, Seconds(run.end.elapsed));
  return {.rate = rate,
          .calls_per_second = all.calls_per_second,
          .p50 = all.latency.p50,
          .p99 = all.latency.p99,
          .errors = all.errors,
          .backlog = run.end.backlog,
          .met = met};
}

absl::StatusOr<ExitStatus> Search(SearchFlags flags, const std::stop_token& stop) {
  if (flags.load.slos.empty())
    return absl::InvalidArgumentError("search needs an objective, such as --slo=p99<20ms");
  if (flags.search.to < flags.search.from) return absl::InvalidArgumentError("--to is below --from");
  if (!flags.load.duration.has_value()) flags.load.duration = kStepDuration;
  MASKD_ASSIGN_OR_RETURN(const auto session, LoadSession::Begin(flags.load, kConcurrency, stop));
  RunPlan plan = session->Plan();
  RateSearch search(flags.search);
  std::vector<SearchStep> steps;
  MeasuredRun shown;  // of the best rate, or the last if none was good
  std::int64_t wrong = 0;
  bool gone = false;
  while (search.rate().has_value() && !stop.stop_requested()) {
    plan.rate = *search.rate();
    MeasuredRun run = session->Measure(plan, stop);
    wrong += run.wrong;
    const bool whole = !run.end.stopped;
    if (!whole && search.best().has_value()) break;
    bool met = whole;
    for (const SloVerdict& verdict : session->Verdicts(run)) met = met && verdict.met;
    steps.push_back(StepOf(*plan.rate, run, met));
    if (plan.show_progress) {
      std::cerr << absl::StrCat("maskload: ", FormatNumber(*plan.rate), " calls/s: ", met ? "met" : "not met",
                                ", p99 ", FormatTime(steps.back().p99), "\n");
    }
    const bool answered = run.tally->totals().all.latency.count() > 0;
    if (met || !search.best().has_value()) shown = std::move(run);
    if (whole) search.Tell(met);
    gone = whole && !answered;
    if (gone) break;
  }
  if (shown.tally == nullptr) return absl::CancelledError("stopped before the first step");
  plan.rate = search.best().value_or(steps.back().rate);
  const bool stopped = !gone && search.rate().has_value();
  LoadReport report = session->Report(
      plan, shown,
      absl::StrCat("open, constant, ",
                   search.best().has_value() ? "highest rate that meets the objectives"
                                             : "no rate meets the objectives; the last",
                   gone || stopped ? " so far: " : ": ", FormatNumber(*plan.rate), " calls/s",
                   gone ? "; then no server answered" : (stopped ? "; the search was stopped" : "")));
  report.steps = std::move(steps);
  report.wrong = wrong;
  report.stopped = stopped;
  const ExitStatus status = session->Deliver(report);
  return (gone || stopped) && status != ExitStatus::kWrongResults ? ExitStatus::kFailed : status;
}

}  // namespace

Command AddSearchCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "search",
      "Look for the highest rate at which servers meet objectives: an open loop at one rate after\n"
      "another, of --duration each (5s).\n\n"
      "Example: maskload search --address=localhost:50051 --mode=mask --slo='p99<20ms' --report=out.html\n");
  const auto flags = std::make_shared<SearchFlags>();
  AddEnumOption<SearchWay>(
      *command, "--way", flags->search.way, {{"step", SearchWay::kStep}, {"ramp", SearchWay::kRamp}},
      "step: twice the rate until one fails, then between; ramp: a little more each time");
  command->add_option("--from", flags->search.from, "the first rate, in calls a second")
      ->check(NumberIn(1e-3, 1e7))
      ->capture_default_str();
  command->add_option("--to", flags->search.to, "the highest rate")
      ->check(NumberIn(1e-3, 1e7))
      ->capture_default_str();
  command
      ->add_option("--precision", flags->search.precision,
                   "how near the result is to a rate that failed, as a share; by which a ramp goes up")
      ->check(NumberIn(0.001, 1))
      ->capture_default_str();
  flags->load.AddTo(*command);
  return [flags](const std::stop_token& stop) { return Search(*flags, stop); };
}

}  // namespace maskd::maskload
