#include "kernels/cuda/chunked_masking.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/chunk_layout.h"
#include "kernels/cuda/cuda_status.h"
#include "kernels/cuda/gather_tokens.h"
#include "kernels/cuda/order_tokens.h"
#include "kernels/torch_cpu_stream.h"

namespace maskd {
namespace {

// Operands and results that a lane keeps on the device, if a sample fits.
constexpr std::int64_t kChunkBytes = std::int64_t{256} << 20;

bool ReadsSeed(const MaskingPlan& plan) {
  return plan.noise_source == NoiseSource::kSeeded ||
         (plan.noise_source == NoiseSource::kProvided && plan.seeded_noise_scale != 0.0f);
}

// Whether noise is drawn on the host, or comes from there.
bool CopiesNoise(NoiseSource source) {
  return source == NoiseSource::kProvided || source == NoiseSource::kTorchCpu;
}

SampleBytes SampleBytesOf(const MaskingPlan& plan) {
  const bool gather = plan.selection.kept_tokens && plan.num_keep > 0;
  const std::int64_t noise_bytes = plan.sequence_length * static_cast<std::int64_t>(sizeof(std::uint32_t));
  SampleBytes bytes;
  bytes[ChunkArray::kTokens] = gather ? plan.sequence_length * plan.token_bytes : 0;
  bytes[ChunkArray::kNoiseValues] = CopiesNoise(plan.noise_source) ? noise_bytes : 0;
  bytes[ChunkArray::kSampleIds] = ReadsSeed(plan) && plan.sample_ids != nullptr ? sizeof(std::uint64_t) : 0;
  bytes[ChunkArray::kKeepIndex] =
      gather ? plan.num_keep * static_cast<std::int64_t>(sizeof(std::uint32_t)) : 0;
  bytes[ChunkArray::kKeptTokens] = plan.result_bytes.kept_tokens / plan.batch_size;
  bytes[ChunkArray::kMask] = plan.result_bytes.mask / plan.batch_size;
  bytes[ChunkArray::kIdsRestore] = plan.result_bytes.ids_restore / plan.batch_size;
  bytes[ChunkArray::kIdsKeep] = plan.result_bytes.ids_keep / plan.batch_size;
  bytes[ChunkArray::kIdsMask] = plan.result_bytes.ids_mask / plan.batch_size;
  bytes[ChunkArray::kNoise] = plan.result_bytes.noise / plan.batch_size;
  return bytes;
}

class ChunkedMasking {
 public:
  ChunkedMasking(const MaskingPlan& plan, const MaskingBuffers& buffers, const IsCancelled& is_cancelled,
                 Lane* lane)
      : plan_(plan),
        buffers_(buffers),
        is_cancelled_(is_cancelled),
        lane_(*lane),
        sample_bytes_(SampleBytesOf(plan)),
        layout_(LayOutChunks(sample_bytes_, plan.batch_size, kChunkBytes)) {}

  absl::Status Run() {
    if (absl::Status status = ReserveMemory(); !status.ok()) return status;
    if (plan_.noise_source == NoiseSource::kTorchCpu) {
      if (!torch_stream_.Skip(plan_.torch_skip, is_cancelled_)) return Cancelled();
    }
    for (std::int64_t first = 0; first < plan_.batch_size; first += layout_.num_samples) {
      if (is_cancelled_()) return Cancelled();
      const std::int64_t count = std::min(layout_.num_samples, plan_.batch_size - first);
      const absl::Status status = EnqueueChunk(first, count);
      // Also on failure: copies under way still use the caller's memory.
      const cudaError_t error = cudaStreamSynchronize(lane_.stream.get());
      if (!status.ok()) return status;
      MASKD_RETURN_IF_CUDA_ERROR("cudaStreamSynchronize", error);
    }
    return absl::OkStatus();
  }

 private:
  static absl::Status Cancelled() { return absl::CancelledError("the caller has gone"); }

  absl::Status ReserveMemory() {
    if (lane_.stream == nullptr)
      MASKD_RETURN_IF_CUDA_ERROR("cudaStreamCreate", MakeCudaStream(&lane_.stream));
    MASKD_RETURN_IF_CUDA_ERROR("cudaMalloc",
                               lane_.arrays.Reserve(static_cast<std::size_t>(layout_.total_bytes)));
    std::size_t scratch_bytes = 0;
    MASKD_RETURN_IF_CUDA_ERROR(
        "GetOrderTokensScratchBytes",
        GetOrderTokensScratchBytes(OrderOperands(0, layout_.num_samples), &scratch_bytes));
    MASKD_RETURN_IF_CUDA_ERROR("cudaMalloc", lane_.scratch.Reserve(scratch_bytes));
    if (plan_.noise_source == NoiseSource::kTorchCpu) {
      const std::int64_t bytes = layout_.num_samples * sample_bytes_[ChunkArray::kNoiseValues];
      MASKD_RETURN_IF_CUDA_ERROR("cudaMallocHost", lane_.draws.Reserve(static_cast<std::size_t>(bytes)));
    }
    return absl::OkStatus();
  }

  // Enqueues samples first .. first + count - 1, with their copies.
  absl::Status EnqueueChunk(std::int64_t first, std::int64_t count) {
    if (absl::Status status = CopyOperandsIn(first, count); !status.ok()) return status;
    MASKD_RETURN_IF_CUDA_ERROR("LaunchOrderTokens",
                               LaunchOrderTokens(OrderOperands(first, count), lane_.scratch.data(),
                                                 lane_.scratch.size(), lane_.stream.get()));
    if (sample_bytes_[ChunkArray::kTokens] > 0) {
      const GatherTokens gather = {.tokens = Device(ChunkArray::kTokens),
                                   .keep_index = DeviceAs<std::uint32_t>(ChunkArray::kKeepIndex),
                                   .kept_tokens = Device(ChunkArray::kKeptTokens),
                                   .batch_size = count,
                                   .sequence_length = plan_.sequence_length,
                                   .num_keep = plan_.num_keep,
                                   .token_bytes = plan_.token_bytes};
      MASKD_RETURN_IF_CUDA_ERROR("LaunchGatherTokens", LaunchGatherTokens(gather, lane_.stream.get()));
    }
    return CopyResultsOut(first, count);
  }

  absl::Status CopyOperandsIn(std::int64_t first, std::int64_t count) {
    const std::byte* noise = nullptr;
    switch (plan_.noise_source) {
      case NoiseSource::kSeeded:
      case NoiseSource::kTorchCuda:
        break;
      case NoiseSource::kProvided:
        noise = plan_.provided_noise + first * sample_bytes_[ChunkArray::kNoiseValues];
        break;
      case NoiseSource::kTorchCpu:
        noise = DrawTorchCpu(count * plan_.sequence_length);
        break;
    }
    const std::byte* const sample_ids =
        plan_.sample_ids == nullptr ? nullptr : reinterpret_cast<const std::byte*>(plan_.sample_ids + first);
    if (absl::Status status = CopyIn(ChunkArray::kNoiseValues, noise, count); !status.ok()) return status;
    if (absl::Status status = CopyIn(ChunkArray::kSampleIds, sample_ids, count); !status.ok()) return status;
    if (sample_bytes_[ChunkArray::kTokens] == 0) return absl::OkStatus();
    return CopyIn(ChunkArray::kTokens, buffers_.tokens + first * sample_bytes_[ChunkArray::kTokens], count);
  }

  absl::Status CopyResultsOut(std::int64_t first, std::int64_t count) {
    const struct {
      ChunkArray array;
      std::byte* host;
    } results[] = {{ChunkArray::kKeptTokens, buffers_.kept_tokens}, {ChunkArray::kMask, buffers_.mask},
                   {ChunkArray::kIdsRestore, buffers_.ids_restore}, {ChunkArray::kIdsKeep, buffers_.ids_keep},
                   {ChunkArray::kIdsMask, buffers_.ids_mask},       {ChunkArray::kNoise, buffers_.noise}};
    for (const auto& result : results) {
      const std::int64_t bytes = sample_bytes_[result.array];
      if (bytes == 0) continue;
      MASKD_RETURN_IF_CUDA_ERROR("cudaMemcpyAsync to the host",
                                 cudaMemcpyAsync(result.host + first * bytes, Device(result.array),
                                                 static_cast<std::size_t>(count * bytes),
                                                 cudaMemcpyDeviceToHost, lane_.stream.get()));
    }
    return absl::OkStatus();
  }

  // Copies `count` samples of `array` from `host`, if the array takes part.
  absl::Status CopyIn(ChunkArray array, const std::byte* host, std::int64_t count) {
    const std::int64_t bytes = count * sample_bytes_[array];
    if (bytes == 0) return absl::OkStatus();
    MASKD_RETURN_IF_CUDA_ERROR("cudaMemcpyAsync to the device",
                               cudaMemcpyAsync(Device(array), host, static_cast<std::size_t>(bytes),
                                               cudaMemcpyHostToDevice, lane_.stream.get()));
    return absl::OkStatus();
  }

  // The next `count` draws of torch.rand, as 24-bit keys. One stream over the
  // batch, so chunks must come in order.
  const std::byte* DrawTorchCpu(std::int64_t count) {
    std::uint32_t* const draws = reinterpret_cast<std::uint32_t*>(lane_.draws.data());
    torch_stream_.Draw({draws, static_cast<std::size_t>(count)});
    return lane_.draws.data();
  }

  OrderTokens OrderOperands(std::int64_t first, std::int64_t count) const {
    const ResultSelection& want = plan_.selection;
    const bool sample_ids = sample_bytes_[ChunkArray::kSampleIds] > 0;
    TorchCudaStream torch_cuda = plan_.torch_cuda;
    torch_cuda.first_element += static_cast<std::uint32_t>(first * plan_.sequence_length);
    return {.batch_size = count,
            .sequence_length = plan_.sequence_length,
            .num_keep = plan_.num_keep,
            .kept_order = want.kept_order,
            .noise = {.source = plan_.noise_source,
                      .seed = plan_.seed,
                      .first_sample_id = plan_.first_sample_id + static_cast<std::uint64_t>(first),
                      .sample_ids = sample_ids ? DeviceAs<std::uint64_t>(ChunkArray::kSampleIds) : nullptr,
                      .epoch_and_mask_index = plan_.epoch << 8 | plan_.mask_index,
                      .values = DeviceAs<std::uint32_t>(ChunkArray::kNoiseValues),
                      .direction = plan_.noise_direction,
                      .seeded_noise_scale = plan_.seeded_noise_scale,
                      .torch_cuda = torch_cuda},
            .results = {.ids_restore = ResultIf(want.ids_restore, ChunkArray::kIdsRestore),
                        .ids_keep = ResultIf(want.ids_keep, ChunkArray::kIdsKeep),
                        .ids_mask = ResultIf(want.ids_mask, ChunkArray::kIdsMask),
                        .mask = ResultIf(want.mask, ChunkArray::kMask),
                        .noise = want.noise ? DeviceAs<float>(ChunkArray::kNoise) : nullptr,
                        .keep_index = sample_bytes_[ChunkArray::kKeepIndex] > 0
                                          ? DeviceAs<std::uint32_t>(ChunkArray::kKeepIndex)
                                          : nullptr,
                        .ids_type = want.ids_type,
                        .mask_type = want.mask_type,
                        .mask_polarity = want.mask_polarity}};
  }

  std::byte* Device(ChunkArray array) const { return lane_.arrays.data() + layout_.offset[array]; }

  template <typename T>
  T* DeviceAs(ChunkArray array) const {
    return reinterpret_cast<T*>(Device(array));
  }

  void* ResultIf(bool wanted, ChunkArray array) const { return wanted ? Device(array) : nullptr; }

  const MaskingPlan& plan_;
  const MaskingBuffers& buffers_;
  const IsCancelled& is_cancelled_;
  Lane& lane_;
  const SampleBytes sample_bytes_;
  const ChunkLayout layout_;
  TorchCpuStream torch_stream_{plan_.seed};  // read only for kTorchCpu
};

}  // namespace

absl::Status MaskInChunks(const MaskingPlan& plan, const MaskingBuffers& buffers,
                          const IsCancelled& is_cancelled, Lane* lane) {
  return ChunkedMasking(plan, buffers, is_cancelled, lane).Run();
}

}  // namespace maskd
