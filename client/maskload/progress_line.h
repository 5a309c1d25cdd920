// How a run goes, while it does.
#ifndef MASKD_CLIENT_MASKLOAD_PROGRESS_LINE_H_
#define MASKD_CLIENT_MASKLOAD_PROGRESS_LINE_H_

#include <optional>
#include <string>
#include <thread>

#include "client/maskload/call_tally.h"
#include "client/maskload/run_load.h"

namespace maskd::maskload {

// "12.3 s   1,234 calls/s   p99 8.12 ms   0 errors   1.24 GB/s   7.7 s left". Rates
// are those of the `seconds` since `before`, the rest of all calls so far.
std::string FormatProgress(const CallTally::Glance& before, const CallTally::Glance& now, double seconds,
                           double elapsed, const RunLimits& limits);

// Rewrites a line on stderr twice a second, and removes it at the end.
class ProgressLine {
 public:
  // `tally` must outlive the object.
  ProgressLine(const CallTally& tally, const RunLimits& limits);
  ~ProgressLine();

 private:
  void Show(const std::stop_token& stop) const;

  const CallTally& tally_;
  const RunLimits limits_;
  std::jthread thread_;
};

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_PROGRESS_LINE_H_
