// How much of a batch is on the device at a time, and where. Plain arithmetic.
#ifndef MASKD_KERNELS_CUDA_CHUNK_LAYOUT_H_
#define MASKD_KERNELS_CUDA_CHUNK_LAYOUT_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace maskd {

// The arrays of a masking that are on the device.
enum class ChunkArray : int {
  kTokens,
  kNoiseValues,
  kSampleIds,
  kKeepIndex,
  kKeptTokens,
  kMask,
  kIdsRestore,
  kIdsKeep,
  kIdsMask,
  kNoise,
};
inline constexpr int kNumChunkArrays = 10;

// Bytes of one sample in each array, 0 where an array takes no part.
class SampleBytes {
 public:
  std::int64_t& operator[](ChunkArray array) { return bytes_[static_cast<std::size_t>(array)]; }
  std::int64_t operator[](ChunkArray array) const { return bytes_[static_cast<std::size_t>(array)]; }

 private:
  std::array<std::int64_t, kNumChunkArrays> bytes_ = {};
};

// One block of device memory for a chunk of samples.
struct ChunkLayout {
  std::int64_t num_samples;  // of every chunk but the last, which may have fewer
  SampleBytes offset;        // of each array, a multiple of kChunkAlignment
  std::int64_t total_bytes;
};

inline constexpr std::int64_t kChunkAlignment = 256;

// Splits batch_size >= 1 samples into the fewest chunks of at most
// `target_bytes` each, about equal; a sample larger than that is a chunk of its
// own.
inline ChunkLayout LayOutChunks(const SampleBytes& sample_bytes, std::int64_t batch_size,
                                std::int64_t target_bytes) {
  std::int64_t bytes_of_sample = 0;
  for (int i = 0; i < kNumChunkArrays; ++i) bytes_of_sample += sample_bytes[static_cast<ChunkArray>(i)];
  const std::int64_t room = std::max<std::int64_t>(0, target_bytes - kNumChunkArrays * kChunkAlignment);
  const std::int64_t most =
      std::clamp<std::int64_t>(room / std::max<std::int64_t>(1, bytes_of_sample), 1, batch_size);
  const std::int64_t num_chunks = (batch_size - 1) / most + 1;

  ChunkLayout layout = {.num_samples = (batch_size - 1) / num_chunks + 1, .offset = {}, .total_bytes = 0};
  for (int i = 0; i < kNumChunkArrays; ++i) {
    const ChunkArray array = static_cast<ChunkArray>(i);
    layout.offset[array] = layout.total_bytes;
    const std::int64_t bytes = layout.num_samples * sample_bytes[array];
    layout.total_bytes += (bytes + kChunkAlignment - 1) / kChunkAlignment * kChunkAlignment;
  }
  return layout;
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_CHUNK_LAYOUT_H_
