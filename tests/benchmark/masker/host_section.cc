#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "kernels/cuda/cuda_handles.h"
#include "tests/benchmark/masker/check.h"
#include "tests/benchmark/masker/expected_results.h"
#include "tests/benchmark/masker/sections.h"
#include "tests/benchmark/masker/token_pattern.h"

namespace maskd::bench {
namespace {

constexpr int kRepeats = 7;

struct HostResults {
  std::vector<std::byte> kept_tokens;
  std::vector<std::byte> mask;
  std::vector<std::byte> ids_restore;

  explicit HostResults(const ResultBytes& bytes)
      : kept_tokens(static_cast<std::size_t>(bytes.kept_tokens)),
        mask(static_cast<std::size_t>(bytes.mask)),
        ids_restore(static_cast<std::size_t>(bytes.ids_restore)) {}

  MaskingBuffers Buffers(const std::byte* tokens) {
    return {.tokens = tokens,
            .kept_tokens = kept_tokens.data(),
            .mask = mask.data(),
            .ids_restore = ids_restore.data()};
  }

  friend bool operator==(const HostResults&, const HostResults&) = default;
};

template <typename Work>
double Microseconds(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

Timing TimeMasking(Masker& masker, const MaskingPlan& plan, const MaskingBuffers& buffers) {
  std::vector<double> microseconds;
  for (int repeat = 0; repeat < kWarmUps + kRepeats; ++repeat) {
    const double time = Microseconds([&] { Check(masker.Mask(plan, buffers)); });
    if (repeat >= kWarmUps) microseconds.push_back(time);
  }
  return Summarize(std::move(microseconds));
}

// All tokens to the device from pinned memory, and the results back.
class PinnedCopies {
 public:
  explicit PinnedCopies(std::int64_t bytes) {
    Check(host_.Reserve(static_cast<std::size_t>(bytes)), "cudaMallocHost");
    Check(device_.Reserve(host_.size()), "cudaMalloc");
    std::memset(host_.data(), 1, host_.size());
  }

  Timing Time(std::int64_t in, std::int64_t out, const EventTimer& timer) const {
    return timer.Time([&](int) {
      Copy(device_.data(), host_.data(), in, cudaMemcpyHostToDevice, timer.stream());
      Copy(host_.data(), device_.data(), out, cudaMemcpyDeviceToHost, timer.stream());
    });
  }

 private:
  // The buffers are as large as the larger of any two copies.
  static void Copy(void* to, const void* from, std::int64_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    Check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), kind, stream), "cudaMemcpyAsync");
  }

  PinnedBuffer host_;
  DeviceBuffer device_;
};

}  // namespace

void TimeHostResident(const Setting& setting, std::span<const BatchShape> shapes, Report& report) {
  std::int64_t most = 0;
  const auto fits = [&](const BatchShape& shape) { return shape.TokensBytes() <= setting.host_bytes; };
  for (const BatchShape& shape : shapes) {
    if (fits(shape)) most = std::max(most, shape.TokensBytes() + shape.IdsAndMaskBytes());
  }
  if (most == 0) return;
  const PinnedCopies copies(most);
  std::vector<std::byte> tokens(static_cast<std::size_t>(most));
  FillTokens(tokens);
  std::vector<HostBlock> pinned;
  for (const HostWay& way : setting.host_ways) {
    pinned.push_back(way.pinned ? way.masker.AllocateTokenMemory(tokens.size()) : HostBlock());
    if (way.pinned) std::memcpy(pinned.back().bytes.data(), tokens.data(), tokens.size());
  }
  for (const BatchShape& shape : shapes) {
    if (shape.token_bytes == 0) continue;
    if (!fits(shape)) {
      report.Skip(
          "masking", shape,
          absl::StrCat("its tokens have ", shape.TokensBytes(), " bytes, and may have ", setting.host_bytes));
      continue;
    }
    const absl::StatusOr<MaskingPlan> plan = MakeMaskingPlan(SpecOf(shape));
    Check(plan.status());
    HostResults expected(plan->result_bytes);
    const Timing cpu = TimeMasking(setting.cpu, *plan, expected.Buffers(tokens.data()));
    const std::int64_t out = plan->result_bytes.total();
    const Timing copy = copies.Time(shape.TokensBytes(), out, setting.timer);
    for (std::size_t i = 0; i < setting.host_ways.size(); ++i) {
      const HostWay& way = setting.host_ways[i];
      HostResults results(plan->result_bytes);
      const std::byte* const from = way.pinned ? pinned[i].bytes.data() : tokens.data();
      const Timing timing = TimeMasking(way.masker, *plan, results.Buffers(from));
      if (results != expected)
        Fail(absl::StrCat(way.what, ", ", shape.Name(), ": results differ from the CPU backend's"));
      report.Add({.what = way.what,
                  .shape = shape,
                  .bytes = static_cast<double>(shape.TokensBytes() + out),
                  .timing = timing,
                  .of_copy = copy.us / timing.us,
                  .over_copy = timing.us / copy.us,
                  .note = absl::StrCat("cpu backend ", static_cast<std::int64_t>(cpu.us), " us")});
    }
  }
}

}  // namespace maskd::bench
