#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/benchmark/masker/check.h"
#include "tests/benchmark/masker/device_batch.h"
#include "tests/benchmark/masker/sections.h"

namespace maskd::bench {
namespace {

const char* Name(Way way) {
  switch (way) {
    case Way::kTwoLaunches:
      return "masking";
    case Way::kEarlyStart:
      return "masking, early gather";
    case Way::kFused:
      return "masking, one kernel";
  }
  return "";
}

void TimeShape(const Setting& setting, const BatchShape& shape, bool all_ways, Report& report) {
  const EventTimer& timer = setting.timer;
  const std::int64_t batch_bytes = DeviceBatch::Bytes(shape);
  if (2 * batch_bytes > setting.device_bytes) {
    return report.Skip(
        "masking", shape,
        absl::StrCat("two batches have ", 2 * batch_bytes, " bytes, and may have ", setting.device_bytes));
  }
  // Taken in turn, together twice the L2.
  const std::int64_t most =
      std::min<std::int64_t>(setting.device_bytes / batch_bytes, kWarmUps + timer.repeats());
  const auto count = static_cast<std::size_t>(
      std::clamp<std::int64_t>(2 * setting.l2_bytes / batch_bytes + 1, 2, std::max<std::int64_t>(2, most)));
  std::vector<DeviceBatch> batches;
  batches.reserve(count);
  for (std::size_t i = 0; i < count; ++i) batches.emplace_back(shape, timer.stream());
  std::size_t scratch_bytes = 0;
  Check(GetOrderTokensScratchBytes(batches[0].order(), &scratch_bytes), "GetOrderTokensScratchBytes");
  DeviceBuffer scratch;
  Check(scratch.Reserve(scratch_bytes), "cudaMalloc");

  const ExpectedResults expected = MaskOnCpu(setting.cpu, shape);
  const auto bytes = static_cast<double>(shape.MovedBytes());
  const Timing copy = timer.TimeCopy(bytes);
  for (const Way way : kWays) {
    if ((way != Way::kTwoLaunches && !all_ways) || !batches[0].Can(way)) continue;
    for (const DeviceBatch& batch : batches) batch.EnqueueClear(timer.stream());
    const auto enqueue = [&](int repeat) {
      batches[static_cast<std::size_t>(repeat) % count].Enqueue(way, scratch, timer.stream());
    };
    const Timing timing = timer.Time(enqueue);
    for (const DeviceBatch& batch : batches) batch.CheckResults(expected, timer.stream());
    report.Add({.what = shape.token_bytes > 0 ? Name(way) : "mask and ids",
                .shape = shape,
                .bytes = bytes,
                .timing = timing,
                .of_copy = 1e-3 * bytes / timing.us / setting.copy_rate,
                .over_copy = timing.us / copy.us,
                .launches = CountLaunches(timer.stream(), enqueue)});
  }
}

}  // namespace

void TimeDeviceResident(const Setting& setting, std::span<const BatchShape> shapes, bool all_ways,
                        Report& report) {
  for (const BatchShape& shape : shapes) TimeShape(setting, shape, all_ways, report);
}

}  // namespace maskd::bench
