#include "tests/benchmark/masker/token_pattern.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/host_device.h"

namespace maskd::bench {
namespace {

constexpr unsigned kBlockThreads = 256;

// Word `index` of the tokens.
MASKD_HOST_DEVICE inline std::uint32_t TokenWord(std::int64_t index) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(index + 1) * 0x9E3779B97F4A7C15u >> 32);
}

__global__ void __launch_bounds__(kBlockThreads) FillWords(std::uint32_t* words, std::int64_t count) {
  const std::int64_t index = std::int64_t{blockIdx.x} * kBlockThreads + threadIdx.x;
  if (index < count) words[index] = TokenWord(index);
}

__global__ void __launch_bounds__(kBlockThreads)
    CountWrongWords(const BatchShape shape, const std::uint32_t* kept_words, const std::int64_t* ids_keep,
                    unsigned long long* count) {
  const std::int64_t index = std::int64_t{blockIdx.x} * kBlockThreads + threadIdx.x;
  const std::int64_t token_words = shape.token_bytes / 4;
  if (index >= shape.batch_size * shape.num_keep * token_words) return;
  const std::int64_t row = index / token_words;
  const std::int64_t token = row / shape.num_keep * shape.sequence_length + ids_keep[row];
  if (kept_words[index] != TokenWord(token * token_words + index % token_words)) atomicAdd(count, 1ull);
}

LaunchShape OneThreadEach(std::int64_t words) {
  return {.grid = dim3(static_cast<unsigned>((words + kBlockThreads - 1) / kBlockThreads)),
          .block = dim3(kBlockThreads)};
}

}  // namespace

void FillTokens(std::span<std::byte> tokens) {
  auto* const words = reinterpret_cast<std::uint32_t*>(tokens.data());
  for (std::size_t i = 0; i < tokens.size() / 4; ++i) words[i] = TokenWord(static_cast<std::int64_t>(i));
}

cudaError_t LaunchFillTokens(std::byte* tokens, std::int64_t bytes, cudaStream_t stream) {
  return Launch(OneThreadEach(bytes / 4), stream, FillWords, reinterpret_cast<std::uint32_t*>(tokens),
                bytes / 4);
}

cudaError_t LaunchCountWrongWords(const BatchShape& shape, const std::byte* kept_tokens,
                                  const std::int64_t* ids_keep, unsigned long long* count,
                                  cudaStream_t stream) {
  return Launch(OneThreadEach(shape.KeptBytes() / 4), stream, CountWrongWords, shape,
                reinterpret_cast<const std::uint32_t*>(kept_tokens), ids_keep, count);
}

}  // namespace maskd::bench
