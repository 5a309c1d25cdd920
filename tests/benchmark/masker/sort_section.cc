#include <cstdint>
#include <vector>

#include "kernels/philox.h"
#include "tests/benchmark/masker/check.h"
#include "tests/benchmark/masker/device_batch.h"
#include "tests/benchmark/masker/sections.h"
#include "tests/benchmark/masker/segmented_sort.h"

namespace maskd::bench {
namespace {

constexpr BatchShape kShape = {
    .batch_size = 16, .sequence_length = 65536, .num_keep = 65536, .token_bytes = 0};

template <typename T>
void CopyIn(const std::vector<T>& values, const DeviceBuffer& memory, cudaStream_t stream) {
  Check(cudaMemcpyAsync(memory.data(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice,
                        stream),
        "cudaMemcpyAsync");
}

// The keys that kSeed draws, and the index of each in its sequence.
void DrawKeys(std::vector<std::uint32_t>& keys, std::vector<std::uint32_t>& indices) {
  for (std::int64_t n = 0; n < kShape.batch_size; ++n) {
    const SeededStream stream = {kSeed, static_cast<std::uint64_t>(n), kEpoch << 8};
    for (std::uint32_t l = 0; l < kShape.sequence_length; ++l) {
      keys.push_back(SeededNoise24(stream, l / 4).word[l % 4]);
      indices.push_back(l);
    }
  }
}

void Add(const Setting& setting, const char* what, double bytes, const Timing& timing, Report& report,
         int launches, const std::string& note) {
  report.Add({.what = what,
              .shape = kShape,
              .bytes = bytes,
              .timing = timing,
              .of_copy = 1e-3 * bytes / timing.us / setting.copy_rate,
              .over_copy = timing.us / setting.timer.TimeCopy(bytes).us,
              .launches = launches,
              .note = note});
}

}  // namespace

void TimeOrderBesideSort(const Setting& setting, Report& report) {
  const EventTimer& timer = setting.timer;
  const cudaStream_t stream = timer.stream();
  const ExpectedResults expected = MaskOnCpu(setting.cpu, kShape);

  const DeviceBatch batch(kShape, stream);
  std::size_t scratch_bytes = 0;
  Check(GetOrderTokensScratchBytes(batch.order(), &scratch_bytes), "GetOrderTokensScratchBytes");
  DeviceBuffer scratch;
  Check(scratch.Reserve(scratch_bytes), "cudaMalloc");
  batch.EnqueueClear(stream);
  const auto order = [&](int) { batch.Enqueue(Way::kTwoLaunches, scratch, stream); };
  const Timing order_timing = timer.Time(order);
  batch.CheckResults(expected, stream);

  std::vector<std::uint32_t> keys;
  std::vector<std::uint32_t> indices;
  DrawKeys(keys, indices);
  std::vector<std::int64_t> offsets;
  for (std::int64_t n = 0; n <= kShape.batch_size; ++n) offsets.push_back(n * kShape.sequence_length);
  const std::size_t words_bytes = keys.size() * sizeof(std::uint32_t);
  DeviceBuffer arrays[5];
  for (DeviceBuffer& array : arrays) Check(array.Reserve(words_bytes), "cudaMalloc");
  CopyIn(keys, arrays[0], stream);
  CopyIn(indices, arrays[1], stream);
  CopyIn(offsets, arrays[4], stream);
  const SegmentedSort sort = {.keys = reinterpret_cast<std::uint32_t*>(arrays[0].data()),
                              .indices = reinterpret_cast<std::uint32_t*>(arrays[1].data()),
                              .sorted_keys = reinterpret_cast<std::uint32_t*>(arrays[2].data()),
                              .ids_shuffle = reinterpret_cast<std::uint32_t*>(arrays[3].data()),
                              .offsets = reinterpret_cast<std::int64_t*>(arrays[4].data()),
                              .batch_size = kShape.batch_size,
                              .sequence_length = kShape.sequence_length};
  std::size_t sort_bytes = 0;
  Check(LaunchSegmentedSort(sort, nullptr, &sort_bytes, stream), "DeviceSegmentedSort");
  DeviceBuffer sort_scratch;
  Check(sort_scratch.Reserve(sort_bytes), "cudaMalloc");
  const Timing sort_timing = timer.Time([&](int) {
    Check(LaunchSegmentedSort(sort, sort_scratch.data(), &sort_bytes, stream), "DeviceSegmentedSort");
  });
  std::vector<std::uint32_t> ids_shuffle(keys.size());
  Check(cudaMemcpyAsync(ids_shuffle.data(), sort.ids_shuffle, words_bytes, cudaMemcpyDeviceToHost, stream),
        "cudaMemcpyAsync");
  Check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  for (std::size_t i = 0; i < ids_shuffle.size(); ++i) {
    if (ids_shuffle[i] != expected.ids_keep[i])
      Fail("DeviceSegmentedSort gives another order than the CPU backend");
  }

  Add(setting, "noise, order, mask and ids", static_cast<double>(kShape.MovedBytes()), order_timing, report,
      CountLaunches(stream, order),
      "order / DeviceSegmentedSort: " + std::to_string(order_timing.us / sort_timing.us));
  // Keys and indices, read and written once.
  Add(setting, "cub::DeviceSegmentedSort", 4.0 * static_cast<double>(words_bytes), sort_timing, report, 0,
      "of the drawn keys and their indices");
}

}  // namespace maskd::bench
