// One call as metrics and log tell it.
#ifndef MASKD_SERVER_CALL_RECORD_H_
#define MASKD_SERVER_CALL_RECORD_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "kernels/masking_spec.h"
#include "server/call_counts.h"
#include "server/methods.h"
#include "server/request_ids.h"
#include "server/stage_clock.h"

namespace maskd {

// A call that failed, or a unary call or batch of a stream that took long. Texts
// may be the caller's, of any length and with any bytes.
struct CallReport {
  std::string method;  // its path
  std::string peer;
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string message;     // of the error
  std::string request_id;  // empty: none, as is the next
  std::string trace_id;
  StageTimes stages;  // since the last batch
};

struct CallReporting {
  // Called on the threads of calls; must not block. May be null.
  std::function<void(const CallReport&)> report;
  // What takes longer is reported, failed or not; 0: nothing is.
  std::chrono::nanoseconds slow{0};
};

// Not thread-safe.
class CallRecord {
 public:
  // A call begins, in stage `first`. Refers to all of these.
  CallRecord(CallCounts& counts, const CallReporting& reporting, Method method,
             grpc::ServerContextBase& context, Stage first = Stage::kDecode);
  // The call has ended, and the context knows whether it was cancelled.
  ~CallRecord();
  CallRecord(const CallRecord&) = delete;
  CallRecord& operator=(const CallRecord&) = delete;

  StageClock& stages() { return stages_; }
  void CountReceived(std::size_t bytes) { counts_.received_bytes.Add(static_cast<std::int64_t>(bytes)); }
  // The masks of a batch have been drawn.
  void CountBatch(NoiseSource source) { all_counts_.batches[static_cast<std::size_t>(source)].Add(1); }

  // A message of so many bytes is on its way; then, whether it went.
  void BeginSending(std::size_t bytes) { sending_bytes_ = bytes; }
  void EndMessage(bool sent) {
    if (sent) counts_.sent_bytes.Add(static_cast<std::int64_t>(sending_bytes_));
    sending_bytes_ = 0;
  }

  // The batch of a stream, if one was under way, has been sent. The call is in
  // Stage::kRest from now on.
  void EndBatch();

  // The call is to end with `status`: what gRPC is to send. With it goes the request id
  // of the caller or one that is made; none is made for a small call that succeeds and is
  // not slow, since it takes longer than all that is counted of it. The call is in
  // Stage::kSend from now on.
  grpc::Status Finish(const absl::Status& status);

  // What Finish has begun has gone, or never will.
  void EndSending(bool sent) {
    EndMessage(sent);
    stages_.Enter(Stage::kRest);
    sent_ = sent;
  }

 private:
  // Counts what was spent since the last batch, if anything was, and gives it.
  StageTimes CountStages();
  bool IsSlow(std::chrono::nanoseconds time) const;
  void Report(const StageTimes& stages, grpc::StatusCode code) const;

  CallCounts& all_counts_;
  MethodCounts& counts_;
  const CallReporting& reporting_;
  const Method method_;
  grpc::ServerContextBase& context_;
  CallerWords caller_;
  std::string peer_;  // gRPC forgets it when a call is cancelled; empty: of a small call, to be asked for
  StageClock stages_;
  absl::Status status_;
  std::size_t sending_bytes_ = 0;
  bool sent_ = false;
};

}  // namespace maskd

#endif  // MASKD_SERVER_CALL_RECORD_H_
