// What a run is reported as: figures alone, for every format.
#ifndef MASKD_CLIENT_MASKLOAD_LOAD_REPORT_H_
#define MASKD_CLIENT_MASKLOAD_LOAD_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/maskload/call_tally.h"
#include "client/maskload/resource_use.h"
#include "client/maskload/slo.h"

namespace maskd::maskload {

// In seconds.
struct LatencyFigures {
  double mean = 0;
  double p50 = 0;
  double p90 = 0;
  double p95 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
};

struct GroupFigures {
  std::string label;
  std::int64_t calls = 0;  // that succeeded
  std::int64_t errors = 0;
  std::int64_t bytes = 0;
  double calls_per_second = 0;
  double bytes_per_second = 0;
  LatencyFigures latency = {};  // from the intended start
  LatencyFigures service = {};  // from the start
};

struct ErrorFigures {
  std::string code;
  std::int64_t count = 0;
  std::string first_message;
};

// The time that all but a share of the calls did not exceed.
struct CurvePoint {
  double share_above = 1;  // 0.01 is p99
  double latency = 0;
  double service = 0;
};

struct SliceFigures {
  double begin = 0;  // seconds from the start of the run
  double calls_per_second = 0;
  double errors_per_second = 0;
  double bytes_per_second = 0;
  double p50 = 0;
  double p99 = 0;
};

struct StageFigures {
  std::string name;
  double calls = 0;
  double seconds = 0;  // of all together
};

struct SearchStep {
  double rate = 0;              // that was tried
  double calls_per_second = 0;  // that succeeded
  double p50 = 0;
  double p99 = 0;
  std::int64_t errors = 0;
  std::int64_t backlog = 0;
  bool met = false;
};

struct LoadReport {
  std::string started;  // RFC 3339
  std::vector<Fact> configuration = {};
  std::vector<Fact> machine = {};
  std::vector<Fact> servers = {};
  bool open_loop = false;
  double seconds = 0;
  bool stopped = false;  // by a signal, before the end
  GroupFigures all = {};
  std::vector<GroupFigures> addresses = {};
  std::vector<GroupFigures> shapes = {};
  std::int64_t backlog = 0;
  std::int64_t verified = 0;
  std::int64_t wrong = 0;
  std::vector<ErrorFigures> errors = {};
  double client_cpu_seconds = 0;
  std::int64_t client_peak_memory_bytes = 0;
  std::vector<CurvePoint> curve = {};
  double slice_seconds = 0;
  std::vector<SliceFigures> slices = {};
  std::vector<StageFigures> stages = {};  // of the server; empty: not known
  std::optional<double> server_cpu_seconds = {};
  std::string limit = {};
  std::vector<SloVerdict> slos = {};
  std::vector<SearchStep> steps = {};  // of a search, in their order

  // Per GB of tokens and results; 0 if there were none.
  double client_cpu_seconds_per_gb() const;
};

GroupFigures FiguresOf(const std::string& label, const CallGroup& group, double seconds);

// From the fastest call to the slowest, sixteen points for every factor of ten in
// the share above.
std::vector<CurvePoint> CurveOf(const CallGroup& group);

// The last slice is cut where the run ended.
std::vector<SliceFigures> SlicesOf(const Timeline& timeline, double seconds);

std::vector<ErrorFigures> ErrorsOf(const CallTally::Totals& totals);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_LOAD_REPORT_H_
