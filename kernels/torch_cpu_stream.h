// What torch.rand draws on the CPU.
#ifndef MASKD_KERNELS_TORCH_CPU_STREAM_H_
#define MASKD_KERNELS_TORCH_CPU_STREAM_H_

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>

namespace maskd {

// The draws behind float32 torch.rand after torch.manual_seed(seed): one stream
// in memory order, so sequences come one after the other. Not thread-safe.
//
// Source: at::mt19937 and uniform_real_distribution of PyTorch, and the outputs
// of torch 1.13 in tests/golden.
class TorchCpuStream {
 public:
  explicit TorchCpuStream(std::uint64_t seed) : engine_(static_cast<std::uint32_t>(seed)) {}

  // Passes over `count` draws, some nanoseconds each; before every 2^20 of them
  // asks `stop()`, and returns false if it says so.
  template <typename Stop>
  bool Skip(std::uint64_t count, const Stop& stop) {
    constexpr std::uint64_t kStep = std::uint64_t{1} << 20;
    for (; count > 0; count -= std::min(count, kStep)) {
      if (stop()) return false;
      engine_.discard(std::min(count, kStep));
    }
    return true;
  }

  // The next draws.size() draws, as 24-bit keys (kernels/noise_key.h).
  void Draw(std::span<std::uint32_t> draws) {
    for (std::uint32_t& draw : draws) draw = static_cast<std::uint32_t>(engine_()) & 0xFFFFFFu;
  }

 private:
  std::mt19937 engine_;
};

}  // namespace maskd

#endif  // MASKD_KERNELS_TORCH_CPU_STREAM_H_
