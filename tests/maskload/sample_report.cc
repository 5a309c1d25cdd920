#include "tests/maskload/sample_report.h"

#include <chrono>
#include <cstdint>

namespace maskd::maskload {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kCalls = 1200;

// 1 ms to 60 ms, every 64th of them 10 ms later than it began.
void Fill(CallTally& tally) {
  for (std::int64_t i = 0; i < kCalls; ++i) {
    const Nanos start = i * 5ms;
    const Nanos end = start + 1ms + (i * i % 60) * 1ms;
    TimedCall call{.intended = i % 64 == 0 ? start - 10ms : start, .start = start, .end = end, .outcome = {}};
    call.outcome.address = static_cast<std::size_t>(i % 2);
    call.outcome.shape = i % 10 == 0 ? 1 : 0;
    call.outcome.bytes_sent = i % 10 == 0 ? 0 : 1'000'000;
    call.outcome.bytes_received = 250'000;
    if (i % 2 == 1 && i > 1000) call.outcome.status = absl::UnavailableError("Connection reset by <peer>");
    tally.Add(call);
    if (i % 16 == 0) tally.AddVerified(true);
  }
}

LoadReport ReportOf(const CallTally::Totals& totals, double seconds) {
  LoadReport report{.started = "2026-11-21T10:00:00Z",
                    .machine = {{"processor", "A Processor"}, {"cores", "2"}},
                    .servers = {{"127.0.0.1:50051", "maskd 0.1.0 on cpu (A Processor)"}},
                    .seconds = seconds,
                    .all = FiguresOf("all", totals.all, seconds),
                    .verified = totals.verified,
                    .wrong = totals.wrong,
                    .client_cpu_seconds = 1.5,
                    .client_peak_memory_bytes = 123'456'789,
                    .curve = CurveOf(totals.all),
                    .slice_seconds = Seconds(totals.timeline.slice_length()),
                    .slices = SlicesOf(totals.timeline, seconds)};
  return report;
}

}  // namespace

LoadReport SampleReport() {
  CallTally tally;
  Fill(tally);
  const CallTally::Totals& totals = tally.totals();
  LoadReport report = ReportOf(totals, 6);
  report.open_loop = true;
  report.configuration = {{"loop", "open, 200 calls/s, constant, at most 64 in flight"},
                          {"batches", "<mix>"}};
  report.servers.push_back({"127.0.0.1:50052", "maskd 0.1.0 on cpu (A Processor)"});
  report.addresses = {FiguresOf("127.0.0.1:50051", totals.addresses[0], 6),
                      FiguresOf("127.0.0.1:50052", totals.addresses[1], 6)};
  report.shapes = {FiguresOf("4x196x768", totals.shapes[0], 6), FiguresOf("1x196x0", totals.shapes[1], 6)};
  report.backlog = 3;
  report.errors = ErrorsOf(totals);
  report.stages = {{.name = "gather", .calls = 1200, .seconds = 0.9},
                   {.name = "send", .calls = 1100, .seconds = 2.7}};
  report.server_cpu_seconds = 4;
  report.limit = "The server's CPU is the limit: 1.90 of 2 cores.";
  report.slos = {Judge(*ParseSlo("p50<40ms"), totals.all, report.backlog),
                 Judge(*ParseSlo("p99<20ms"), totals.all, report.backlog),
                 Judge(*ParseSlo("errors<1%"), totals.all, report.backlog)};
  return report;
}

LoadReport SampleClosedReport() {
  CallTally tally;
  Fill(tally);
  LoadReport report = ReportOf(tally.totals(), 6);
  report.configuration = {{"loop", "closed, 8 in flight"}};
  report.stopped = true;
  report.wrong = 2;
  return report;
}

LoadReport SampleSearchReport() {
  LoadReport report = SampleReport();
  report.steps = {{.rate = 100, .calls_per_second = 100, .p50 = 0.004, .p99 = 0.012, .met = true},
                  {.rate = 200,
                   .calls_per_second = 183,
                   .p50 = 0.03,
                   .p99 = 0.4,
                   .errors = 2,
                   .backlog = 70,
                   .met = false}};
  return report;
}

}  // namespace maskd::maskload
