#include "client/maskload/measured_run.h"

#include <utility>

#include "client/maskload/progress_line.h"

namespace maskd::maskload {
namespace {

std::unique_ptr<Pacer> MakePacer(const RunPlan& plan) {
  if (!plan.rate.has_value()) return MakeClosedLoop();
  return plan.poisson ? MakePoissonPacer(*plan.rate, plan.pacer_seed) : MakeConstantPacer(*plan.rate);
}

}  // namespace

MeasuredRun MeasureRun(const RunPlan& plan, Clock& clock, Target& target, const std::stop_token& stop,
                       const std::function<void(const std::string&)>& warn) {
  ServerMeter meter(plan.metrics_urls, warn);
  CallTally warm_up;
  if (plan.warm_up > Nanos(0)) {
    RunLoad({.concurrency = plan.limits.concurrency, .duration = plan.warm_up}, *MakePacer(plan), clock,
            target, warm_up, stop);
  }
  meter.Begin(stop);
  const ResourceUse before = ResourcesNow();
  auto tally = std::make_unique<CallTally>();
  MeasuredRun run;
  {
    std::optional<ProgressLine> progress;
    if (plan.show_progress) progress.emplace(*tally, plan.limits);
    run.end = RunLoad(plan.limits, *MakePacer(plan), clock, target, *tally, stop);
  }
  run.wrong = warm_up.totals().wrong + tally->totals().wrong;
  const ResourceUse after = ResourcesNow();
  run.client_cpu_seconds = after.cpu_seconds - before.cpu_seconds;
  if (after.machine_seconds > before.machine_seconds) {
    run.machine_busy = (after.machine_busy_seconds - before.machine_busy_seconds) /
                       (after.machine_seconds - before.machine_seconds);
  }
  // A run that was stopped has its metrics all the same.
  run.server = meter.End(run.end.stopped ? std::stop_token() : stop);
  run.tally = std::move(tally);
  return run;
}

}  // namespace maskd::maskload
