#include "client/maskload/load_session.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/maskload/format_figures.h"
#include "client/maskload/html_report.h"
#include "client/maskload/limiting_resource.h"
#include "client/maskload/report_files.h"
#include "client/maskload/summary_text.h"
#include "kernels/status_macros.h"

namespace maskd::maskload {
namespace {

// How long a server may take to say who it is.
constexpr double kLongestQuestion = 5;  // seconds

void Warn(const std::string& message) { std::cerr << absl::StrCat("maskload: ", message, "\n"); }

bool IsOnThisMachine(const std::string& address) {
  return absl::StartsWith(address, "unix:") || absl::StartsWith(address, "127.") ||
         absl::StartsWith(address, "localhost:") || absl::StartsWith(address, "[::1]:");
}

}  // namespace

absl::StatusOr<std::unique_ptr<LoadSession>> LoadSession::Begin(const LoadFlags& flags, int concurrency,
                                                                const std::stop_token& stop) {
  for (const std::string& path : {flags.report, flags.output}) {
    if (path.empty() || path == "-") continue;
    if (const absl::Status status = CheckWritable(path); !status.ok())
      return absl::InvalidArgumentError(status.message());
  }
  // The constructor is private.
  std::unique_ptr<LoadSession> session(new LoadSession(flags));
  session->concurrency_ = flags.concurrency > 0 ? flags.concurrency : concurrency;
  MASKD_ASSIGN_OR_RETURN(ShapeMix mix, flags.Mix());
  MaskingSpec masking;
  flags.masking.Apply(masking);
  MASKD_ASSIGN_OR_RETURN(session->target_, MaskingTarget::Make({.addresses = flags.addresses,
                                                                .connections = flags.connections,
                                                                .concurrency = session->concurrency_,
                                                                .client = flags.ClientOptions(),
                                                                .mix = std::move(mix),
                                                                .masking = masking,
                                                                .verification = flags.verification,
                                                                .warn = Warn}));
  MASKD_RETURN_IF_ERROR(session->AskServers(stop));
  session->started_ = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone());
  return session;
}

absl::Status LoadSession::AskServers(const std::stop_token& stop) {
  const auto timeout =
      std::chrono::milliseconds(static_cast<std::int64_t>(std::min(kLongestQuestion, flags_.timeout) * 1000));
  absl::Status failure;
  std::size_t silent = 0;
  for (std::size_t i = 0; i < flags_.addresses.size(); ++i) {
    const std::string& address = flags_.addresses[i];
    const absl::StatusOr<ServerInfo> info = target_->Greet(i, {.timeout = timeout, .stop = stop});
    if (stop.stop_requested()) return absl::CancelledError("stopped before the first call");
    if (info.ok()) {
      servers_.push_back({address, absl::StrCat("maskd ", info->version, " on ", info->backend, " (",
                                                info->device_name, ")")});
      continue;
    }
    servers_.push_back({address, absl::StatusCodeToString(info.status().code())});
    if (!absl::IsUnavailable(info.status()) && !absl::IsDeadlineExceeded(info.status())) continue;
    failure = absl::UnavailableError(
        absl::StrCat(address, ": ", std::string(info.status().message()), "; is maskd running there?"));
    if (++silent < flags_.addresses.size()) Warn(std::string(failure.message()));
  }
  return silent == flags_.addresses.size() ? failure : absl::OkStatus();
}

RunPlan LoadSession::Plan() const {
  const auto nanos = [](double seconds) {
    return std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(seconds));
  };
  RunPlan plan{.limits = {.concurrency = concurrency_},
               .warm_up = nanos(flags_.warm_up),
               .metrics_urls = flags_.metrics,
               .show_progress = isatty(STDERR_FILENO) == 1};
  if (flags_.duration.has_value()) plan.limits.duration = nanos(*flags_.duration);
  return plan;
}

MeasuredRun LoadSession::Measure(const RunPlan& plan, const std::stop_token& stop) {
  SteadyClock clock;
  return MeasureRun(plan, clock, *target_, stop, Warn);
}

std::vector<SloVerdict> LoadSession::Verdicts(const MeasuredRun& run) const {
  std::vector<SloVerdict> verdicts;
  for (const Slo& slo : flags_.slos) verdicts.push_back(Judge(slo, run.tally->totals().all, run.end.backlog));
  return verdicts;
}

LoadReport LoadSession::Report(const RunPlan& plan, const MeasuredRun& run, const std::string& loop) const {
  const CallTally::Totals& totals = run.tally->totals();
  const double seconds = Seconds(run.end.elapsed);
  LoadReport report{.started = started_,
                    .configuration = flags_.Describe(),
                    .machine = MachineFacts(),
                    .servers = servers_,
                    .open_loop = plan.rate.has_value(),
                    .seconds = seconds,
                    .stopped = run.end.stopped,
                    .all = FiguresOf("all", totals.all, seconds),
                    .backlog = run.end.backlog,
                    .verified = totals.verified,
                    .wrong = run.wrong,
                    .errors = ErrorsOf(totals),
                    .client_cpu_seconds = run.client_cpu_seconds,
                    .client_peak_memory_bytes = ResourcesNow().peak_memory_bytes,
                    .curve = CurveOf(totals.all),
                    .slice_seconds = Seconds(totals.timeline.slice_length()),
                    .slices = SlicesOf(totals.timeline, seconds),
                    .limit = LimitOf(run),
                    .slos = Verdicts(run)};
  report.configuration.insert(report.configuration.begin(), {"loop", loop});
  for (std::size_t i = 0; i < totals.addresses.size(); ++i)
    report.addresses.push_back(FiguresOf(flags_.addresses[i], totals.addresses[i], seconds));
  for (std::size_t i = 0; i < totals.shapes.size(); ++i)
    report.shapes.push_back(FiguresOf(target_->shapes()[i].label, totals.shapes[i], seconds));
  if (run.server.has_value()) {
    report.server_cpu_seconds = run.server->cpu_seconds;
    for (const StageTime& stage : run.server->stages)
      report.stages.push_back({.name = stage.name, .calls = stage.calls, .seconds = stage.seconds});
  }
  return report;
}

std::string LoadSession::LimitOf(const MeasuredRun& run) const {
  const double seconds = Seconds(run.end.elapsed);
  if (run.tally->totals().all.latency.count() == 0) return "";
  const bool local = std::ranges::all_of(flags_.addresses, IsOnThisMachine);
  const CallGroup& all = run.tally->totals().all;
  LoadOnResources load{
      .server_cores = static_cast<double>(flags_.server_cores),
      .client_cores_used = run.client_cpu_seconds / seconds,
      .bytes_per_second = static_cast<double>(std::max(all.bytes_sent, all.bytes_received)) / seconds};
  if (local) {
    load.machine_busy = run.machine_busy;
    load.machine_cores = static_cast<int>(std::thread::hardware_concurrency());
  }
  if (flags_.server_cores == 0) {
    load.server_cores = load.machine_cores;
    // Those of several servers on this machine may be the same ones.
    if (const auto told = run.server.has_value() ? run.server->cores : std::nullopt; told.has_value())
      load.server_cores = local ? std::min<double>(*told, load.machine_cores) : *told;
  }
  if (run.server.has_value() && run.server->cpu_seconds.has_value())
    load.server_cores_used = *run.server->cpu_seconds / seconds;
  if (flags_.link_gbps > 0) load.link_bytes_per_second = flags_.link_gbps * 1e9 / 8;
  return NameLimit(load);
}

ExitStatus LoadSession::Deliver(const LoadReport& report) const {
  std::string text = FormatSummary(report);
  absl::Status written = absl::OkStatus();
  bool printed = false;
  const auto write = [&written, &printed, &text](const std::string& path, const std::string& content) {
    const absl::Status status = WriteText(path, content);
    if (status.ok()) {
      printed |= path == "-";
      return;
    }
    Warn(std::string(status.message()));
    written.Update(status);
    if (path != "-" && !printed) printed = WriteText("-", text).ok();
  };
  if (flags_.format == Format::kJson) text = ToJson(report);
  if (flags_.format == Format::kCsv) text = ToCsv(report);
  write(flags_.output, text);
  if (!flags_.report.empty()) write(flags_.report, ToHtml(report));
  if (report.wrong > 0) return ExitStatus::kWrongResults;
  if (!written.ok() || report.all.calls == 0) return ExitStatus::kFailed;
  const bool met = std::ranges::all_of(report.slos, &SloVerdict::met);
  return met ? ExitStatus::kFine : ExitStatus::kNotMet;
}

}  // namespace maskd::maskload
