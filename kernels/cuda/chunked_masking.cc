#include "kernels/cuda/chunked_masking.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "kernels/cuda/chunk_layout.h"
#include "kernels/cuda/cuda_status.h"
#include "kernels/cuda/gather_tokens.h"
#include "kernels/cuda/order_tokens.h"
#include "kernels/status_macros.h"
#include "kernels/torch_cpu_stream.h"

namespace maskd {
namespace {

// Operands and results of a chunk on the device, if a sample fits: little enough
// that a batch of one message has several, whose copies and kernels overlap, and
// enough that the launches of a chunk, some 20 us, are few beside its copies.
constexpr std::int64_t kChunkBytes = std::int64_t{32} << 20;

bool ReadsSeed(const MaskingPlan& plan) {
  return plan.noise_source == NoiseSource::kSeeded ||
         (plan.noise_source == NoiseSource::kProvided && plan.seeded_noise_scale != 0.0f);
}

// Whether noise is drawn on the host, or comes from there.
bool CopiesNoise(NoiseSource source) {
  return source == NoiseSource::kProvided || source == NoiseSource::kTorchCpu;
}

bool Gathers(const MaskingPlan& plan) { return plan.selection.kept_tokens && plan.num_keep > 0; }

SampleBytes SampleBytesOf(const MaskingPlan& plan, bool copies_tokens) {
  const std::int64_t noise_bytes = plan.sequence_length * static_cast<std::int64_t>(sizeof(std::uint32_t));
  SampleBytes bytes;
  bytes[ChunkArray::kTokens] = copies_tokens ? plan.sequence_length * plan.token_bytes : 0;
  bytes[ChunkArray::kNoiseValues] = CopiesNoise(plan.noise_source) ? noise_bytes : 0;
  bytes[ChunkArray::kSampleIds] = ReadsSeed(plan) && plan.sample_ids != nullptr ? sizeof(std::uint64_t) : 0;
  bytes[ChunkArray::kKeepIndex] =
      Gathers(plan) ? plan.num_keep * static_cast<std::int64_t>(sizeof(std::uint32_t)) : 0;
  bytes[ChunkArray::kKeptTokens] = plan.result_bytes.kept_tokens / plan.batch_size;
  bytes[ChunkArray::kMask] = plan.result_bytes.mask / plan.batch_size;
  bytes[ChunkArray::kIdsRestore] = plan.result_bytes.ids_restore / plan.batch_size;
  bytes[ChunkArray::kIdsKeep] = plan.result_bytes.ids_keep / plan.batch_size;
  bytes[ChunkArray::kIdsMask] = plan.result_bytes.ids_mask / plan.batch_size;
  bytes[ChunkArray::kNoise] = plan.result_bytes.noise / plan.batch_size;
  return bytes;
}

// Where the current device reads the `bytes` at `data` of the host in place; null
// if they are not all in one piece of pinned memory.
const std::byte* AddressOnDevice(const std::byte* data, std::int64_t bytes) {
  const auto address_of = [](const std::byte* byte) -> const std::byte* {
    cudaPointerAttributes attributes;
    if (cudaPointerGetAttributes(&attributes, byte) != cudaSuccess) {
      cudaGetLastError();
      return nullptr;
    }
    if (attributes.type != cudaMemoryTypeHost) return nullptr;
    return static_cast<const std::byte*>(attributes.devicePointer);
  };
  const std::byte* const first = address_of(data);
  const std::byte* const last = address_of(data + bytes - 1);
  return first != nullptr && last == first + bytes - 1 ? first : nullptr;
}

// Adds the time of its scope to `sum`, if there is one.
class ScopeTime {
 public:
  explicit ScopeTime(std::chrono::nanoseconds* sum) : sum_(sum) {
    if (sum_ != nullptr) begin_ = Clock::now();
  }
  ~ScopeTime() {
    if (sum_ != nullptr) *sum_ += Clock::now() - begin_;
  }
  ScopeTime(const ScopeTime&) = delete;
  ScopeTime& operator=(const ScopeTime&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::nanoseconds* const sum_;
  Clock::time_point begin_;
};

class ChunkedMasking {
 public:
  // `pinned_tokens`: where the device reads the tokens in place, or null.
  ChunkedMasking(const MaskingPlan& plan, const MaskingBuffers& buffers, const std::byte* pinned_tokens,
                 const IsCancelled& is_cancelled, Lane* lane)
      : plan_(plan),
        buffers_(buffers),
        pinned_tokens_(pinned_tokens),
        is_cancelled_(is_cancelled),
        lane_(*lane),
        sample_bytes_(SampleBytesOf(plan, Gathers(plan) && pinned_tokens == nullptr)),
        layout_(LayOutChunks(sample_bytes_, plan.batch_size, kChunkBytes)) {}

  absl::Status Run() {
    absl::Status status = RunChunks();
    // Also on failure: copies under way still use the caller's memory.
    for (const Slot& slot : lane_.slots) {
      if (slot.stream == nullptr) continue;
      const cudaError_t error = cudaStreamSynchronize(slot.stream.get());
      if (error != cudaSuccess && !absl::IsInternal(status))
        status = StatusOfCuda("cudaStreamSynchronize", error);
    }
    return status;
  }

 private:
  using Slot = Lane::Slot;

  // Samples [first, first + count), which are masked in the memory of `slot`.
  struct Chunk {
    std::int64_t first;
    std::int64_t count;
    Slot* slot;
  };

  static absl::Status Cancelled() { return absl::CancelledError("the caller has gone"); }

  // A copy to memory that is not pinned holds up this thread until it is done:
  // so what comes back of a chunk is asked for when the next one is under way.
  absl::Status RunChunks() {
    if (plan_.noise_source == NoiseSource::kTorchCpu) {
      if (!torch_stream_.Skip(plan_.torch_skip, is_cancelled_)) return Cancelled();
    }
    std::optional<Chunk> before;
    for (std::int64_t first = 0; first < plan_.batch_size; first += layout_.num_samples) {
      if (is_cancelled_()) return Cancelled();
      const bool first_slot = !before.has_value() || before->slot != &lane_.slots[0];
      Slot* slot = &lane_.slots[first_slot ? 0 : 1];
      if (absl::Status status = Reserve(*slot); !status.ok()) {
        if (!absl::IsResourceExhausted(status) || !before.has_value()) return status;
        // No room for two chunks: one after the other.
        MASKD_RETURN_IF_ERROR(CopyResultsOut(*std::exchange(before, std::nullopt)));
        slot = &lane_.slots[first_slot ? 1 : 0];
      }
      const Chunk chunk = {
          .first = first, .count = std::min(layout_.num_samples, plan_.batch_size - first), .slot = slot};
      // The draws of the chunk before last have been copied then.
      MASKD_RETURN_IF_CUDA_ERROR("cudaStreamSynchronize", cudaStreamSynchronize(chunk.slot->stream.get()));
      MASKD_RETURN_IF_ERROR(EnqueueMasking(chunk));
      if (before.has_value()) MASKD_RETURN_IF_ERROR(CopyResultsOut(*before));
      before = chunk;
    }
    return CopyResultsOut(*before);
  }

  absl::Status Reserve(Slot& slot) {
    MASKD_RETURN_IF_CUDA_ERROR("cudaStreamCreate", slot.ReserveStream());
    MASKD_RETURN_IF_CUDA_ERROR("cudaMalloc",
                               slot.arrays.Reserve(static_cast<std::size_t>(layout_.total_bytes)));
    std::size_t scratch_bytes = 0;
    MASKD_RETURN_IF_CUDA_ERROR(
        "GetOrderTokensScratchBytes",
        GetOrderTokensScratchBytes(OrderOperands({.first = 0, .count = layout_.num_samples, .slot = &slot}),
                                   &scratch_bytes));
    MASKD_RETURN_IF_CUDA_ERROR("cudaMalloc", slot.scratch.Reserve(scratch_bytes));
    if (plan_.noise_source == NoiseSource::kTorchCpu) {
      const std::int64_t bytes = layout_.num_samples * sample_bytes_[ChunkArray::kNoiseValues];
      MASKD_RETURN_IF_CUDA_ERROR("cudaMallocHost", slot.draws.Reserve(static_cast<std::size_t>(bytes)));
    }
    return absl::OkStatus();
  }

  // Enqueues all of `chunk` but the copies of its results.
  absl::Status EnqueueMasking(const Chunk& chunk) {
    MASKD_RETURN_IF_ERROR(CopyOperandsIn(chunk));
    const Slot& slot = *chunk.slot;
    MASKD_RETURN_IF_CUDA_ERROR(
        "LaunchOrderTokens",
        LaunchOrderTokens(OrderOperands(chunk), slot.scratch.data(), slot.scratch.size(), slot.stream.get()));
    if (!Gathers(plan_)) return absl::OkStatus();
    const GatherTokens gather = {
        .tokens = pinned_tokens_ == nullptr
                      ? Device(slot, ChunkArray::kTokens)
                      : pinned_tokens_ + chunk.first * plan_.sequence_length * plan_.token_bytes,
        .keep_index = DeviceAs<std::uint32_t>(slot, ChunkArray::kKeepIndex),
        .kept_tokens = Device(slot, ChunkArray::kKeptTokens),
        .batch_size = chunk.count,
        .sequence_length = plan_.sequence_length,
        .num_keep = plan_.num_keep,
        .token_bytes = plan_.token_bytes};
    MASKD_RETURN_IF_CUDA_ERROR("LaunchGatherTokens", LaunchGatherTokens(gather, slot.stream.get()));
    return absl::OkStatus();
  }

  absl::Status CopyOperandsIn(const Chunk& chunk) {
    const std::byte* noise = nullptr;
    switch (plan_.noise_source) {
      case NoiseSource::kSeeded:
      case NoiseSource::kTorchCuda:
        break;
      case NoiseSource::kProvided:
        noise = plan_.provided_noise + chunk.first * sample_bytes_[ChunkArray::kNoiseValues];
        break;
      case NoiseSource::kTorchCpu:
        noise = DrawTorchCpu(chunk);
        break;
    }
    MASKD_RETURN_IF_ERROR(CopyIn(ChunkArray::kNoiseValues, noise, chunk));
    if (plan_.sample_ids != nullptr) {
      MASKD_RETURN_IF_ERROR(CopyIn(
          ChunkArray::kSampleIds, reinterpret_cast<const std::byte*>(plan_.sample_ids + chunk.first), chunk));
    }
    if (sample_bytes_[ChunkArray::kTokens] == 0) return absl::OkStatus();
    return CopyIn(ChunkArray::kTokens, buffers_.tokens + chunk.first * sample_bytes_[ChunkArray::kTokens],
                  chunk);
  }

  absl::Status CopyResultsOut(const Chunk& chunk) {
    CopyTimes* const times = buffers_.copy_times;
    // The copies wait for the kernels in any case.
    if (times != nullptr) {
      MASKD_RETURN_IF_CUDA_ERROR("cudaStreamSynchronize", cudaStreamSynchronize(chunk.slot->stream.get()));
    }
    const ScopeTime time(times != nullptr ? &times->from_device : nullptr);
    const struct {
      ChunkArray array;
      std::byte* host;
    } results[] = {{ChunkArray::kKeptTokens, buffers_.kept_tokens}, {ChunkArray::kMask, buffers_.mask},
                   {ChunkArray::kIdsRestore, buffers_.ids_restore}, {ChunkArray::kIdsKeep, buffers_.ids_keep},
                   {ChunkArray::kIdsMask, buffers_.ids_mask},       {ChunkArray::kNoise, buffers_.noise}};
    for (const auto& result : results) {
      const std::int64_t bytes = sample_bytes_[result.array];
      if (bytes == 0) continue;
      MASKD_RETURN_IF_CUDA_ERROR(
          "cudaMemcpyAsync to the host",
          cudaMemcpyAsync(result.host + chunk.first * bytes, Device(*chunk.slot, result.array),
                          static_cast<std::size_t>(chunk.count * bytes), cudaMemcpyDeviceToHost,
                          chunk.slot->stream.get()));
    }
    return absl::OkStatus();
  }

  // Copies the samples of `chunk` of `array` from `host`, if the array takes part.
  absl::Status CopyIn(ChunkArray array, const std::byte* host, const Chunk& chunk) {
    const std::int64_t bytes = chunk.count * sample_bytes_[array];
    if (bytes == 0) return absl::OkStatus();
    const ScopeTime time(buffers_.copy_times != nullptr ? &buffers_.copy_times->to_device : nullptr);
    MASKD_RETURN_IF_CUDA_ERROR(
        "cudaMemcpyAsync to the device",
        cudaMemcpyAsync(Device(*chunk.slot, array), host, static_cast<std::size_t>(bytes),
                        cudaMemcpyHostToDevice, chunk.slot->stream.get()));
    return absl::OkStatus();
  }

  // The next draws of torch.rand, as 24-bit keys. One stream over the batch, so
  // chunks must come in order.
  const std::byte* DrawTorchCpu(const Chunk& chunk) {
    std::byte* const draws = chunk.slot->draws.data();
    torch_stream_.Draw({reinterpret_cast<std::uint32_t*>(draws),
                        static_cast<std::size_t>(chunk.count * plan_.sequence_length)});
    return draws;
  }

  OrderTokens OrderOperands(const Chunk& chunk) const {
    const Slot& slot = *chunk.slot;
    const ResultSelection& want = plan_.selection;
    const bool sample_ids = sample_bytes_[ChunkArray::kSampleIds] > 0;
    TorchCudaStream torch_cuda = plan_.torch_cuda;
    torch_cuda.first_element += static_cast<std::uint32_t>(chunk.first * plan_.sequence_length);
    return {
        .batch_size = chunk.count,
        .sequence_length = plan_.sequence_length,
        .num_keep = plan_.num_keep,
        .kept_order = want.kept_order,
        .noise = {.source = plan_.noise_source,
                  .seed = plan_.seed,
                  .first_sample_id = plan_.first_sample_id + static_cast<std::uint64_t>(chunk.first),
                  .sample_ids = sample_ids ? DeviceAs<std::uint64_t>(slot, ChunkArray::kSampleIds) : nullptr,
                  .epoch_and_mask_index = plan_.epoch << 8 | plan_.mask_index,
                  .values = DeviceAs<std::uint32_t>(slot, ChunkArray::kNoiseValues),
                  .direction = plan_.noise_direction,
                  .seeded_noise_scale = plan_.seeded_noise_scale,
                  .torch_cuda = torch_cuda},
        .results = {.ids_restore = ResultIf(slot, want.ids_restore, ChunkArray::kIdsRestore),
                    .ids_keep = ResultIf(slot, want.ids_keep, ChunkArray::kIdsKeep),
                    .ids_mask = ResultIf(slot, want.ids_mask, ChunkArray::kIdsMask),
                    .mask = ResultIf(slot, want.mask, ChunkArray::kMask),
                    .noise = want.noise ? DeviceAs<float>(slot, ChunkArray::kNoise) : nullptr,
                    .keep_index = sample_bytes_[ChunkArray::kKeepIndex] > 0
                                      ? DeviceAs<std::uint32_t>(slot, ChunkArray::kKeepIndex)
                                      : nullptr,
                    .ids_type = want.ids_type,
                    .mask_type = want.mask_type,
                    .mask_polarity = want.mask_polarity}};
  }

  std::byte* Device(const Slot& slot, ChunkArray array) const {
    return slot.arrays.data() + layout_.offset[array];
  }

  template <typename T>
  T* DeviceAs(const Slot& slot, ChunkArray array) const {
    return reinterpret_cast<T*>(Device(slot, array));
  }

  void* ResultIf(const Slot& slot, bool wanted, ChunkArray array) const {
    return wanted ? Device(slot, array) : nullptr;
  }

  const MaskingPlan& plan_;
  const MaskingBuffers& buffers_;
  const std::byte* const pinned_tokens_;
  const IsCancelled& is_cancelled_;
  Lane& lane_;
  const SampleBytes sample_bytes_;
  const ChunkLayout layout_;
  TorchCpuStream torch_stream_{plan_.seed};  // read only for kTorchCpu
};

}  // namespace

absl::Status MaskInChunks(const MaskingPlan& plan, const MaskingBuffers& buffers,
                          const IsCancelled& is_cancelled, bool read_in_place, Lane* lane) {
  const std::byte* const pinned_tokens =
      read_in_place && Gathers(plan) ? AddressOnDevice(buffers.tokens, plan.tokens_bytes) : nullptr;
  return ChunkedMasking(plan, buffers, pinned_tokens, is_cancelled, lane).Run();
}

}  // namespace maskd
