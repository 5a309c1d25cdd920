// Where the time of one call goes.
#ifndef MASKD_SERVER_STAGE_CLOCK_H_
#define MASKD_SERVER_STAGE_CLOCK_H_

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace maskd {

// docs/metrics.md says what each is. A call is in one of them at a time.
enum class Stage {
  kDecode,
  kAdmission,
  kReceive,
  kQueue,
  kOrder,
  kGather,
  kCompute,
  kCopyToDevice,
  kCopyFromDevice,
  kSend,
  kRest,  // between the batches of a stream: nobody's time
};

// As metrics and log have them; kRest has none.
inline constexpr std::array<std::string_view, 10> kStageNames = {
    "decode",  "admission",      "receive",          "queue", "order", "gather",
    "compute", "copy_to_device", "copy_from_device", "send"};

// By Stage; a stage that the call was never in has no time.
struct StageTimes {
  std::chrono::nanoseconds& operator[](Stage stage) { return spent[static_cast<std::size_t>(stage)]; }

  // Of all stages.
  std::chrono::nanoseconds total() const {
    std::chrono::nanoseconds sum{0};
    for (const std::chrono::nanoseconds time : spent) sum += time;
    return sum;
  }

  std::array<std::chrono::nanoseconds, kStageNames.size()> spent = {};
};

// Reads the time once a stage. Not thread-safe.
class StageClock {
 public:
  using Clock = std::chrono::steady_clock;

  // The call begins, in stage `first`.
  explicit StageClock(Stage first) : stage_(first) {}

  // The call leaves the stage that it is in for `stage`.
  void Enter(Stage stage) {
    if (stage == stage_) return;
    const Clock::time_point now = Clock::now();
    Spend(now - since_);
    since_ = now;
    stage_ = stage;
  }

  // Counts `time` of the stage that the call is in as one of `part`, which was
  // measured within it.
  void Split(Stage part, std::chrono::nanoseconds time) {
    if (time.count() <= 0) return;
    times_[part] += time;
    since_ += time;
  }

  Stage stage() const { return stage_; }

  // In all stages that were left since the last Take.
  std::chrono::nanoseconds spent() const { return times_.total(); }

  // What was spent since the last Take. To be called in kRest.
  StageTimes Take() {
    const StageTimes times = times_;
    times_ = {};
    return times;
  }

 private:
  void Spend(Clock::duration time) {
    if (stage_ == Stage::kRest) return;
    // A stage shows that it was there even if the clock did not move.
    times_[stage_] += std::max<std::chrono::nanoseconds>(time, std::chrono::nanoseconds(1));
  }

  StageTimes times_;
  Stage stage_;
  Clock::time_point since_ = Clock::now();
};

}  // namespace maskd

#endif  // MASKD_SERVER_STAGE_CLOCK_H_
