#include "tests/benchmark/masker/device_batch.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "kernels/cuda/mask_tokens_fused.h"
#include "tests/benchmark/masker/check.h"
#include "tests/benchmark/masker/token_pattern.h"

namespace maskd::bench {
namespace {

enum Array { kIdsRestore, kMask, kKeepIndex, kKeptTokens, kTokens, kNumArrays };

// Where each array begins, and behind them the end.
std::array<std::int64_t, kNumArrays + 1> LayOut(const BatchShape& shape) {
  const std::int64_t tokens = shape.batch_size * shape.sequence_length;
  const std::int64_t sizes[kNumArrays] = {tokens * 8, tokens * 4,
                                          shape.token_bytes > 0 ? shape.batch_size * shape.num_keep * 4 : 0,
                                          shape.KeptBytes(), shape.TokensBytes()};
  std::array<std::int64_t, kNumArrays + 1> places = {};
  for (int i = 0; i < kNumArrays; ++i) places[i + 1] = places[i] + (sizes[i] + 255) / 256 * 256;
  return places;
}

template <typename T>
void CheckEqual(const BatchShape& shape, const char* result, const std::vector<T>& expected,
                const void* device, cudaStream_t stream) {
  std::vector<T> actual(expected.size());
  Check(cudaMemcpyAsync(actual.data(), device, actual.size() * sizeof(T), cudaMemcpyDeviceToHost, stream),
        "cudaMemcpyAsync");
  Check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  const auto at = std::mismatch(expected.begin(), expected.end(), actual.begin()).first - expected.begin();
  if (static_cast<std::size_t>(at) == expected.size()) return;
  Fail(absl::StrCat(shape.Name(), ": ", result, " differs from the CPU backend's at element ", at));
}

}  // namespace

std::int64_t DeviceBatch::Bytes(const BatchShape& shape) { return LayOut(shape)[kNumArrays]; }

DeviceBatch::DeviceBatch(const BatchShape& shape, cudaStream_t stream) : shape_(shape) {
  const auto places = LayOut(shape);
  Check(memory_.Reserve(static_cast<std::size_t>(places[kNumArrays])), "cudaMalloc");
  const bool gather = shape.token_bytes > 0;
  auto* const keep_index = reinterpret_cast<std::uint32_t*>(memory_.data() + places[kKeepIndex]);
  order_ = {.batch_size = shape.batch_size,
            .sequence_length = shape.sequence_length,
            .num_keep = shape.num_keep,
            .kept_order = KeptOrder::kNoise,
            .noise = {.source = NoiseSource::kSeeded,
                      .seed = kSeed,
                      .first_sample_id = 0,
                      .sample_ids = nullptr,
                      .epoch_and_mask_index = kEpoch << 8,
                      .values = nullptr,
                      .direction = NoiseDirection::kAscending,
                      .seeded_noise_scale = 0.0f,
                      .torch_cuda = {}},
            .results = {.ids_restore = memory_.data() + places[kIdsRestore],
                        .ids_keep = nullptr,
                        .ids_mask = nullptr,
                        .mask = memory_.data() + places[kMask],
                        .noise = nullptr,
                        .keep_index = gather ? keep_index : nullptr,
                        .ids_type = IdsType::kInt64,
                        .mask_type = MaskType::kFloat32,
                        .mask_polarity = MaskPolarity::kMaskedIsOne}};
  gather_ = {.tokens = memory_.data() + places[kTokens],
             .keep_index = keep_index,
             .kept_tokens = memory_.data() + places[kKeptTokens],
             .batch_size = shape.batch_size,
             .sequence_length = shape.sequence_length,
             .num_keep = shape.num_keep,
             .token_bytes = shape.token_bytes};
  if (gather) {
    Check(LaunchFillTokens(memory_.data() + places[kTokens], shape.TokensBytes(), stream),
          "LaunchFillTokens");
  }
}

bool DeviceBatch::Can(Way way) const {
  bool can = true;
  switch (way) {
    case Way::kTwoLaunches:
      break;
    case Way::kEarlyStart:
      Check(CanGatherStartEarly(&can), "CanGatherStartEarly");
      can = can && shape_.token_bytes > 0;
      break;
    case Way::kFused:
      can = CanFuse(order_, gather_);
      break;
  }
  return can;
}

void DeviceBatch::EnqueueClear(cudaStream_t stream) const {
  Check(cudaMemsetAsync(memory_.data(), 0xA5, static_cast<std::size_t>(LayOut(shape_)[kTokens]), stream),
        "cudaMemsetAsync");
}

void DeviceBatch::Enqueue(Way way, const DeviceBuffer& scratch, cudaStream_t stream) const {
  if (way == Way::kFused) {
    Check(LaunchMaskTokensFused(order_, gather_, stream), "LaunchMaskTokensFused");
    return;
  }
  Check(LaunchOrderTokens(order_, scratch.data(), scratch.size(), stream), "LaunchOrderTokens");
  if (shape_.token_bytes == 0) return;
  GatherTokens gather = gather_;
  gather.starts_early = way == Way::kEarlyStart;
  Check(LaunchGatherTokens(gather, stream), "LaunchGatherTokens");
}

void DeviceBatch::CheckResults(const ExpectedResults& expected, cudaStream_t stream) const {
  CheckEqual(shape_, "ids_restore", expected.ids_restore, order_.results.ids_restore, stream);
  CheckEqual(shape_, "mask", expected.mask, order_.results.mask, stream);
  if (shape_.token_bytes == 0) return;
  const std::size_t ids_bytes = expected.ids_keep.size() * sizeof(std::int64_t);
  DeviceBuffer operands;  // the count, then ids_keep
  Check(operands.Reserve(256 + ids_bytes), "cudaMalloc");
  std::byte* const ids_keep = operands.data() + 256;
  unsigned long long wrong = 0;
  Check(cudaMemsetAsync(operands.data(), 0, 256, stream), "cudaMemsetAsync");
  Check(cudaMemcpyAsync(ids_keep, expected.ids_keep.data(), ids_bytes, cudaMemcpyHostToDevice, stream),
        "cudaMemcpyAsync");
  Check(LaunchCountWrongWords(shape_, gather_.kept_tokens, reinterpret_cast<std::int64_t*>(ids_keep),
                              reinterpret_cast<unsigned long long*>(operands.data()), stream),
        "LaunchCountWrongWords");
  Check(cudaMemcpyAsync(&wrong, operands.data(), sizeof(wrong), cudaMemcpyDeviceToHost, stream),
        "cudaMemcpyAsync");
  Check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  if (wrong != 0) {
    Fail(absl::StrCat(shape_.Name(), ": ", wrong,
                      " words of kept_tokens are not those that the CPU backend keeps"));
  }
}

}  // namespace maskd::bench
