#include "client/maskload/load_report.h"

#include <algorithm>
#include <cmath>

namespace maskd::maskload {
namespace {

constexpr int kPointsPerFactorOfTen = 16;

LatencyFigures FiguresOf(const LatencyRecorder& recorder) {
  const auto at = [&recorder](double q) { return Seconds(recorder.Quantile(q)); };
  return {.mean = recorder.mean_seconds(),
          .p50 = at(0.5),
          .p90 = at(0.9),
          .p95 = at(0.95),
          .p99 = at(0.99),
          .p999 = at(0.999),
          .max = Seconds(recorder.max())};
}

}  // namespace

double LoadReport::client_cpu_seconds_per_gb() const {
  return all.bytes == 0 ? 0 : client_cpu_seconds / (static_cast<double>(all.bytes) * 1e-9);
}

GroupFigures FiguresOf(const std::string& label, const CallGroup& group, double seconds) {
  const auto per_second = [seconds](std::int64_t amount) {
    return seconds > 0 ? static_cast<double>(amount) / seconds : 0;
  };
  return {.label = label,
          .calls = group.latency.count(),
          .errors = group.errors,
          .bytes = group.bytes(),
          .calls_per_second = per_second(group.latency.count()),
          .bytes_per_second = per_second(group.bytes()),
          .latency = FiguresOf(group.latency),
          .service = FiguresOf(group.service)};
}

std::vector<CurvePoint> CurveOf(const CallGroup& group) {
  std::vector<CurvePoint> points;
  if (group.latency.count() == 0) return points;
  const double last = 1 / static_cast<double>(group.latency.count());
  for (int i = 0;; ++i) {
    const double share = std::max(last, std::pow(10, -static_cast<double>(i) / kPointsPerFactorOfTen));
    points.push_back({.share_above = share,
                      .latency = Seconds(group.latency.Quantile(1 - share)),
                      .service = Seconds(group.service.Quantile(1 - share))});
    if (share == last) break;
  }
  points.back().latency = Seconds(group.latency.max());
  points.back().service = Seconds(group.service.max());
  return points;
}

std::vector<SliceFigures> SlicesOf(const Timeline& timeline, double seconds) {
  std::vector<SliceFigures> figures;
  const double length = Seconds(timeline.slice_length());
  for (const TimeSlice& slice : timeline.slices()) {
    const double begin = static_cast<double>(figures.size()) * length;
    // A sliver of a slice would make a peak of one call.
    const double width = std::max(std::min(length, seconds - begin), length / 10);
    figures.push_back({.begin = begin,
                       .calls_per_second = static_cast<double>(slice.latency.count()) / width,
                       .errors_per_second = static_cast<double>(slice.errors) / width,
                       .bytes_per_second = static_cast<double>(slice.bytes) / width,
                       .p50 = Seconds(slice.latency.Quantile(0.5)),
                       .p99 = Seconds(slice.latency.Quantile(0.99))});
  }
  return figures;
}

std::vector<ErrorFigures> ErrorsOf(const CallTally::Totals& totals) {
  std::vector<ErrorFigures> figures;
  for (const auto& [code, error] : totals.errors) {
    figures.push_back(
        {.code = absl::StatusCodeToString(code), .count = error.count, .first_message = error.first_message});
  }
  return figures;
}

}  // namespace maskd::maskload
