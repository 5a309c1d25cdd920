// From flags to runs, and from runs to results in files.
#ifndef MASKD_CLIENT_MASKLOAD_LOAD_SESSION_H_
#define MASKD_CLIENT_MASKLOAD_LOAD_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/maskload/commands.h"
#include "client/maskload/load_flags.h"
#include "client/maskload/load_report.h"
#include "client/maskload/measured_run.h"

namespace maskd::maskload {

class LoadSession {
 public:
  // Sees that the files of the results can be written, and asks each address who
  // is there. `concurrency` is that of the flags, or if they have none this.
  //
  // Returns INVALID_ARGUMENT if a flag is wrong, UNAVAILABLE if no server answers,
  // CANCELLED if a stop is requested.
  static absl::StatusOr<std::unique_ptr<LoadSession>> Begin(const LoadFlags& flags, int concurrency,
                                                            const std::stop_token& stop);

  // A plan with what all runs have in common.
  RunPlan Plan() const;

  MeasuredRun Measure(const RunPlan& plan, const std::stop_token& stop);

  std::vector<SloVerdict> Verdicts(const MeasuredRun& run) const;

  // `loop` says how calls were paced.
  LoadReport Report(const RunPlan& plan, const MeasuredRun& run, const std::string& loop) const;

  // Writes `report` wherever the flags say. If anything cannot be written where it was
  // to go, the results go to stdout unless they are there, and the exit status is kFailed.
  ExitStatus Deliver(const LoadReport& report) const;

 private:
  explicit LoadSession(const LoadFlags& flags) : flags_(flags) {}

  absl::Status AskServers(const std::stop_token& stop);
  std::string LimitOf(const MeasuredRun& run) const;

  const LoadFlags flags_;
  int concurrency_ = 1;
  std::string started_;
  std::vector<Fact> servers_;
  std::unique_ptr<MaskingTarget> target_;
};

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_LOAD_SESSION_H_
