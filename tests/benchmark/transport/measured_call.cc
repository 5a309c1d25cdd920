#include "tests/benchmark/transport/measured_call.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "tests/benchmark/transport/batch.h"
#include "tests/benchmark/transport/masking_path.h"
#include "tests/benchmark/transport/small_calls.h"

namespace maskd::transport {
namespace {

class MaskingCall final : public MeasuredCall {
 public:
  MaskingCall(std::unique_ptr<MaskingPath> path, std::shared_ptr<const CheckedBatch> batch)
      : path_(std::move(path)), batch_(std::move(batch)) {}

  absl::StatusOr<double> Call() override {
    const std::uint64_t call = calls_++;
    const Stopwatch stopwatch;
    const absl::StatusOr<ResultSpans> results = path_->Mask(batch_->SpecOf(call), batch_->tokens());
    const double seconds = stopwatch.seconds();
    MASKD_RETURN_IF_ERROR(results.status());
    MASKD_RETURN_IF_ERROR(batch_->Check(call, *results));
    return seconds;
  }

 private:
  const std::unique_ptr<MaskingPath> path_;
  const std::shared_ptr<const CheckedBatch> batch_;
  std::uint64_t calls_ = 0;
};

class CallsAtATime final : public MeasuredCall {
 public:
  explicit CallsAtATime(std::vector<std::unique_ptr<MeasuredCall>> calls) : calls_(std::move(calls)) {}

  absl::StatusOr<double> Call() override {
    std::vector<absl::StatusOr<double>> seconds(calls_.size(), 0.0);
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      threads.emplace_back([&, i] { seconds[i] = calls_[i]->Call(); });
    }
    threads.clear();
    double longest = 0;
    for (const absl::StatusOr<double>& each : seconds) {
      MASKD_RETURN_IF_ERROR(each.status());
      longest = std::max(longest, *each);
    }
    return longest;
  }

 private:
  const std::vector<std::unique_ptr<MeasuredCall>> calls_;
};

using ConnectPath = absl::StatusOr<std::unique_ptr<MaskingPath>>(const PathTarget&);
struct NamedPath {
  const char* name;
  ConnectPath* connect;
};
constexpr NamedPath kPaths[] = {
    {"floor-buffered", ConnectBufferedFloor},
    {"floor-streaming", ConnectStreamingFloor},
    {"naive", ConnectNaive},
    {"unary", ConnectUnary},
    {"stream", ConnectStream},
};

absl::StatusOr<std::unique_ptr<MeasuredCall>> MakeMaskingCall(ConnectPath* connect,
                                                              const MeasuredCallChoice& choice) {
  MASKD_ASSIGN_OR_RETURN(CheckedBatch checked, CheckedBatch::WithTokens(choice.batch_size));
  const auto batch = std::make_shared<const CheckedBatch>(std::move(checked));
  std::vector<std::unique_ptr<MeasuredCall>> calls;
  for (int i = 0; i < choice.clients; ++i) {
    MASKD_ASSIGN_OR_RETURN(auto path, connect({.address = choice.address,
                                               .root_certificate = choice.root_certificate,
                                               .result_bytes = batch->result_bytes()}));
    calls.push_back(std::make_unique<MaskingCall>(std::move(path), batch));
  }
  if (calls.size() == 1) return std::move(calls.front());
  return std::make_unique<CallsAtATime>(std::move(calls));
}

}  // namespace

absl::StatusOr<std::unique_ptr<MeasuredCall>> MakeMeasuredCall(const MeasuredCallChoice& choice) {
  const auto* const path = std::ranges::find(kPaths, choice.name, &NamedPath::name);
  if (path != std::end(kPaths)) return MakeMaskingCall(path->connect, choice);
  return MakeSmallCall(choice.name, choice.address);
}

}  // namespace maskd::transport
