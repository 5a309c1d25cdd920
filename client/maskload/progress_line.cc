#include "client/maskload/progress_line.h"

#include <algorithm>
#include <cstdio>
#include <limits>

#include "absl/strings/str_cat.h"
#include "client/maskload/clock.h"
#include "client/maskload/format_figures.h"

namespace maskd::maskload {
namespace {

// To the first column, and nothing to the right of it.
constexpr char kClearLine[] = "\r\033[K";

}  // namespace

std::string FormatProgress(const CallTally::Glance& before, const CallTally::Glance& now, double seconds,
                           double elapsed, const RunLimits& limits) {
  const double rate = static_cast<double>(now.calls - before.calls) / seconds;
  std::string line = absl::StrCat(FormatTime(elapsed), "   ", FormatNumber(rate), " calls/s   p99 ",
                                  FormatTime(Seconds(now.p99)), "   ", FormatCount(now.errors), " errors   ",
                                  FormatBytes(static_cast<double>(now.bytes - before.bytes) / seconds), "/s");
  double left = std::numeric_limits<double>::infinity();
  if (limits.duration.has_value()) left = std::max(0.0, Seconds(*limits.duration) - elapsed);
  if (limits.count.has_value() && rate > 0) {
    const auto calls_left = static_cast<double>(*limits.count - now.calls - now.errors);
    left = std::min(left, calls_left / rate);
  }
  if (left < std::numeric_limits<double>::infinity())
    absl::StrAppend(&line, "   ", FormatTime(left), " left");
  if (now.wrong > 0) absl::StrAppend(&line, "   ", FormatCount(now.wrong), " WRONG");
  return line;
}

ProgressLine::ProgressLine(const CallTally& tally, const RunLimits& limits)
    : tally_(tally), limits_(limits), thread_([this](const std::stop_token& stop) { Show(stop); }) {}

ProgressLine::~ProgressLine() {
  thread_.request_stop();
  thread_.join();
}

void ProgressLine::Show(const std::stop_token& stop) const {
  constexpr std::chrono::milliseconds kInterval(500);
  SteadyClock clock;
  const Nanos begin = clock.Now();
  CallTally::Glance before;
  for (Nanos shown = begin;;) {
    clock.SleepUntil(shown + kInterval, stop);
    if (stop.stop_requested()) break;
    const Nanos now = clock.Now();
    const CallTally::Glance glance = tally_.Look();
    const std::string line =
        FormatProgress(before, glance, Seconds(now - shown), Seconds(now - begin), limits_);
    std::fprintf(stderr, "%s%s", kClearLine, line.c_str());
    std::fflush(stderr);
    before = glance;
    shown = now;
  }
  std::fputs(kClearLine, stderr);
  std::fflush(stderr);
}

}  // namespace maskd::maskload
