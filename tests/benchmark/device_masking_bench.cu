// Times masking on tokens that are on the device already, beside the copy
// bandwidth of the device in the same run.
//
//   device_masking_bench [--json=PATH]
//
// Columns: `bytes` is what masking has to move, 2 * N * K * token_bytes for the
// kept tokens and 12 bytes a token for ids_restore (int64) and mask (float32);
// `us` the median time between two events; `of copy` the share of the copy
// bandwidth, which counts bytes read and written too. Before each timing a large
// copy runs: it keeps the device busy until all is enqueued, and clears the L2.
//
// Exits with 1 if a CUDA call fails or any result of any repeat's buffers
// differs from a plain loop on the host, and with 77 if there is no device.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/cuda/cuda_handles.h"
#include "kernels/cuda/gather_tokens.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/order_tokens.h"
#include "kernels/philox.h"

namespace maskd {
namespace {

constexpr int kRepeats = 31;
constexpr int kWarmUps = 3;
constexpr std::size_t kCopyBytes = std::size_t{512} << 20;
constexpr std::uint64_t kSeed = 0x5eed;
constexpr std::uint32_t kEpochAndMaskIndex = 7 << 8;
constexpr unsigned kFillThreads = 256;

struct Shape {
  const char* name;
  std::int64_t batch_size;
  std::int64_t sequence_length;
  std::int64_t num_keep;
  std::int64_t token_bytes;  // a multiple of 4; 0: ids and mask alone
};

constexpr Shape kShapes[] = {
    {"N=64 L=196 D=768 float32", 64, 196, 49, 768 * 4},
    {"N=256 L=196 D=768 float32", 256, 196, 49, 768 * 4},
    {"N=1024 L=196 D=768 float32", 1024, 196, 49, 768 * 4},
    {"N=64 L=196 D=768 bfloat16", 64, 196, 49, 768 * 2},
    {"N=256 L=196 D=768 bfloat16", 256, 196, 49, 768 * 2},
    {"N=1024 L=196 D=768 bfloat16", 1024, 196, 49, 768 * 2},
    {"N=4096 L=196 ids and mask", 4096, 196, 49, 0},
    {"N=16 L=65536 ids and mask", 16, 65536, 16384, 0},
};

struct Timing {
  const Shape* shape;
  double bytes;
  double microseconds;
};

void Check(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", call, cudaGetErrorString(error));
  std::exit(1);
}

// What word `index` of the tokens holds.
MASKD_HOST_DEVICE inline std::uint32_t TokenWord(std::uint64_t index) {
  return static_cast<std::uint32_t>((index + 1) * 0x9E3779B97F4A7C15u >> 32);
}

__global__ void __launch_bounds__(kFillThreads) FillTokens(std::uint32_t* words, std::int64_t count) {
  const std::int64_t index = std::int64_t{blockIdx.x} * kFillThreads + threadIdx.x;
  if (index < count) words[index] = TokenWord(static_cast<std::uint64_t>(index));
}

std::int64_t RoundUp(std::int64_t bytes) { return (bytes + 255) / 256 * 256; }

// Operands and results of one masking on the device.
class MaskingOnDevice {
 public:
  MaskingOnDevice(const Shape& shape, cudaStream_t stream) : shape_(shape) {
    const std::int64_t tokens = shape.batch_size * shape.sequence_length;
    const std::int64_t kept = shape.batch_size * shape.num_keep;
    const std::int64_t sizes[] = {tokens * 8, tokens * 4, kept * 4, kept * shape.token_bytes,
                                  tokens * shape.token_bytes};
    std::int64_t total = 0;
    for (const std::int64_t size : sizes) total += RoundUp(size);
    Check(memory_.Reserve(static_cast<std::size_t>(total)), "cudaMalloc");
    Check(cudaMemsetAsync(memory_.data(), 0xA5, memory_.size(), stream), "cudaMemsetAsync");
    std::byte* const places[] = {memory_.data(), memory_.data() + RoundUp(sizes[0]),
                                 memory_.data() + RoundUp(sizes[0]) + RoundUp(sizes[1]),
                                 memory_.data() + RoundUp(sizes[0]) + RoundUp(sizes[1]) + RoundUp(sizes[2]),
                                 memory_.data() + total - RoundUp(sizes[4])};
    order_ = {.batch_size = shape.batch_size,
              .sequence_length = shape.sequence_length,
              .num_keep = shape.num_keep,
              .kept_order = KeptOrder::kNoise,
              .noise = {.source = NoiseSource::kSeeded,
                        .seed = kSeed,
                        .first_sample_id = 0,
                        .sample_ids = nullptr,
                        .epoch_and_mask_index = kEpochAndMaskIndex,
                        .values = nullptr,
                        .direction = NoiseDirection::kAscending,
                        .seeded_noise_scale = 0.0f},
              .results = {.ids_restore = places[0],
                          .ids_keep = nullptr,
                          .ids_mask = nullptr,
                          .mask = places[1],
                          .noise = nullptr,
                          .keep_index = reinterpret_cast<std::uint32_t*>(places[2]),
                          .ids_type = IdsType::kInt64,
                          .mask_type = MaskType::kFloat32,
                          .mask_polarity = MaskPolarity::kMaskedIsOne}};
    gather_ = {.tokens = places[4],
               .keep_index = order_.results.keep_index,
               .kept_tokens = places[3],
               .batch_size = shape.batch_size,
               .sequence_length = shape.sequence_length,
               .num_keep = shape.num_keep,
               .token_bytes = shape.token_bytes};
    if (shape.token_bytes == 0) {
      order_.results.keep_index = nullptr;
      return;
    }
    const std::int64_t words = sizes[4] / 4;
    const LaunchShape fill = {.grid = dim3(static_cast<unsigned>((words + kFillThreads - 1) / kFillThreads)),
                              .block = dim3(kFillThreads)};
    Check(Launch(fill, stream, FillTokens, reinterpret_cast<std::uint32_t*>(places[4]), words), "FillTokens");
  }

  void Enqueue(const DeviceBuffer& scratch, cudaStream_t stream) const {
    Check(LaunchOrderTokens(order_, scratch.data(), scratch.size(), stream), "LaunchOrderTokens");
    if (shape_.token_bytes > 0) Check(LaunchGatherTokens(gather_, stream), "LaunchGatherTokens");
  }

  const OrderTokens& order() const { return order_; }
  const GatherTokens& gather() const { return gather_; }
  std::size_t size() const { return memory_.size(); }

 private:
  Shape shape_;
  DeviceBuffer memory_;
  OrderTokens order_;
  GatherTokens gather_;
};

// The same in plain loops.
struct MaskingOnHost {
  std::vector<std::int64_t> ids_restore;
  std::vector<float> mask;
  std::vector<std::uint32_t> kept_words;
};

MaskingOnHost MaskOnHost(const Shape& shape) {
  const std::int64_t length = shape.sequence_length;
  const std::int64_t words = shape.token_bytes / 4;
  MaskingOnHost result;
  result.ids_restore.resize(static_cast<std::size_t>(shape.batch_size * length));
  result.mask.resize(result.ids_restore.size());
  std::vector<std::uint32_t> draws(static_cast<std::size_t>(length));
  std::vector<std::uint32_t> order(draws.size());
  for (std::int64_t n = 0; n < shape.batch_size; ++n) {
    const SeededStream stream = {kSeed, static_cast<std::uint64_t>(n), kEpochAndMaskIndex};
    for (std::uint32_t l = 0; l < draws.size(); ++l) draws[l] = SeededNoise24(stream, l / 4).word[l % 4];
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&draws](std::uint32_t a, std::uint32_t b) { return draws[a] < draws[b]; });
    for (std::int64_t rank = 0; rank < length; ++rank) {
      const std::int64_t token = n * length + order[static_cast<std::size_t>(rank)];
      result.ids_restore[static_cast<std::size_t>(token)] = rank;
      result.mask[static_cast<std::size_t>(token)] = rank < shape.num_keep ? 0.0f : 1.0f;
      if (rank >= shape.num_keep) continue;
      for (std::int64_t w = 0; w < words; ++w) {
        result.kept_words.push_back(TokenWord(static_cast<std::uint64_t>(token * words + w)));
      }
    }
  }
  return result;
}

template <typename T>
void CheckEqual(const Shape& shape, const char* result, const std::vector<T>& expected, const void* device,
                cudaStream_t stream) {
  if (expected.empty()) return;
  std::vector<T> actual(expected.size());
  Check(cudaMemcpyAsync(actual.data(), device, actual.size() * sizeof(T), cudaMemcpyDeviceToHost, stream),
        "cudaMemcpyAsync");
  Check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  const auto at = std::mismatch(expected.begin(), expected.end(), actual.begin()).first - expected.begin();
  if (static_cast<std::size_t>(at) == expected.size()) return;
  std::fprintf(stderr, "%s: %s differs from the host at element %lld\n", shape.name, result,
               static_cast<long long>(at));
  std::exit(1);
}

// Median microseconds of `enqueue(repeat)`, each after a copy within `copy_memory`.
template <typename Enqueue>
double MedianMicroseconds(const DeviceBuffer& copy_memory, cudaStream_t stream, const Enqueue& enqueue) {
  CudaEvent begin;
  CudaEvent end;
  Check(MakeCudaEvent(&begin), "cudaEventCreate");
  Check(MakeCudaEvent(&end), "cudaEventCreate");
  std::vector<float> milliseconds;
  for (int repeat = 0; repeat < kWarmUps + kRepeats; ++repeat) {
    Check(cudaMemcpyAsync(copy_memory.data() + kCopyBytes, copy_memory.data(), kCopyBytes,
                          cudaMemcpyDeviceToDevice, stream),
          "cudaMemcpyAsync");
    Check(cudaEventRecord(begin.get(), stream), "cudaEventRecord");
    enqueue(repeat);
    Check(cudaEventRecord(end.get(), stream), "cudaEventRecord");
    Check(cudaEventSynchronize(end.get()), "cudaEventSynchronize");
    float elapsed = 0.0f;
    Check(cudaEventElapsedTime(&elapsed, begin.get(), end.get()), "cudaEventElapsedTime");
    if (repeat >= kWarmUps) milliseconds.push_back(elapsed);
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  return 1e3 * milliseconds[milliseconds.size() / 2];
}

Timing TimeShape(const Shape& shape, std::size_t l2_bytes, const DeviceBuffer& copy_memory,
                 cudaStream_t stream) {
  std::vector<MaskingOnDevice> maskings;  // taken in turn, together twice the L2
  maskings.emplace_back(shape, stream);
  const std::size_t count = std::max<std::size_t>(2, 2 * l2_bytes / maskings[0].size() + 1);
  while (maskings.size() < count) maskings.emplace_back(shape, stream);
  std::size_t scratch_bytes = 0;
  Check(GetOrderTokensScratchBytes(maskings[0].order(), &scratch_bytes), "GetOrderTokensScratchBytes");
  DeviceBuffer scratch;
  Check(scratch.Reserve(scratch_bytes), "cudaMalloc");

  const double microseconds = MedianMicroseconds(copy_memory, stream, [&](int repeat) {
    maskings[static_cast<std::size_t>(repeat) % count].Enqueue(scratch, stream);
  });

  const MaskingOnHost expected = MaskOnHost(shape);
  for (std::size_t i = 0; i < std::min<std::size_t>(count, kWarmUps + kRepeats); ++i) {
    CheckEqual(shape, "ids_restore", expected.ids_restore, maskings[i].order().results.ids_restore, stream);
    CheckEqual(shape, "mask", expected.mask, maskings[i].order().results.mask, stream);
    CheckEqual(shape, "kept_tokens", expected.kept_words, maskings[i].gather().kept_tokens, stream);
  }
  const double bytes = 2.0 * static_cast<double>(shape.batch_size * shape.num_keep * shape.token_bytes) +
                       12.0 * static_cast<double>(shape.batch_size * shape.sequence_length);
  return {&shape, bytes, microseconds};
}

double GigabytesPerSecond(double bytes, double microseconds) { return bytes / microseconds * 1e-3; }

bool WriteJson(const std::string& path, const char* device, double copy_rate,
               const std::vector<Timing>& timings) {
  std::FILE* const file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  std::fprintf(file, "{\n  \"device\": \"%s\",\n  \"copy_gb_per_s\": %.1f,\n  \"shapes\": [", device,
               copy_rate);
  for (std::size_t i = 0; i < timings.size(); ++i) {
    const double rate = GigabytesPerSecond(timings[i].bytes, timings[i].microseconds);
    std::fprintf(file,
                 "%s\n    {\"shape\": \"%s\", \"bytes\": %.0f, \"us\": %.2f, \"gb_per_s\": %.1f, "
                 "\"of_copy\": %.3f}",
                 i == 0 ? "" : ",", timings[i].shape->name, timings[i].bytes, timings[i].microseconds, rate,
                 rate / copy_rate);
  }
  std::fprintf(file, "\n  ]\n}\n");
  return std::fclose(file) == 0;
}

int Main(const std::string& json_path) {
  int num_devices = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&num_devices); error != cudaSuccess || num_devices == 0) {
    std::printf("skipped: no CUDA device: %s\n", cudaGetErrorString(error));
    return 77;
  }
  cudaDeviceProp device;
  Check(cudaSetDevice(0), "cudaSetDevice");
  Check(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  CudaStream stream;
  Check(MakeCudaStream(&stream), "cudaStreamCreate");
  DeviceBuffer copy_memory;
  Check(copy_memory.Reserve(2 * kCopyBytes), "cudaMalloc");
  Check(cudaMemsetAsync(copy_memory.data(), 1, copy_memory.size(), stream.get()), "cudaMemsetAsync");

  const double copy_microseconds = MedianMicroseconds(copy_memory, stream.get(), [&](int) {
    Check(cudaMemcpyAsync(copy_memory.data() + kCopyBytes, copy_memory.data(), kCopyBytes,
                          cudaMemcpyDeviceToDevice, stream.get()),
          "cudaMemcpyAsync");
  });
  const double copy_rate = GigabytesPerSecond(2.0 * kCopyBytes, copy_microseconds);

  std::printf("%s: copies at %.1f GB/s\n", device.name, copy_rate);
  std::printf("%-30s %14s %10s %10s %8s\n", "shape", "bytes", "us", "GB/s", "of copy");
  std::vector<Timing> timings;
  for (const Shape& shape : kShapes) {
    timings.push_back(
        TimeShape(shape, static_cast<std::size_t>(device.l2CacheSize), copy_memory, stream.get()));
    const double rate = GigabytesPerSecond(timings.back().bytes, timings.back().microseconds);
    std::printf("%-30s %14.0f %10.2f %10.1f %8.3f\n", shape.name, timings.back().bytes,
                timings.back().microseconds, rate, rate / copy_rate);
    std::fflush(stdout);
  }
  if (!json_path.empty() && !WriteJson(json_path, device.name, copy_rate, timings)) {
    std::fprintf(stderr, "cannot write %s\n", json_path.c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace maskd

int main(int argc, char** argv) {
  constexpr char kJson[] = "--json=";
  std::string json_path;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], kJson, sizeof(kJson) - 1) != 0 || argv[i][sizeof(kJson) - 1] == '\0') {
      std::fprintf(stderr, "unknown argument %s\nusage: %s [--json=PATH]\n", argv[i], argv[0]);
      return 2;
    }
    json_path = argv[i] + sizeof(kJson) - 1;
  }
  return maskd::Main(json_path);
}
