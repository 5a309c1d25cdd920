// The CPU backend behind plain C functions, for host_masking_bench.py to time
// beside PyTorch in one process.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/masker.h"
#include "kernels/masking_plan.h"

extern "C" {

void* MaskdBenchNewMasker(int num_threads) { return maskd::MakeCpuMasker(num_threads).release(); }

// Masks tokens [N, L, token_bytes] with ratio `mask_ratio`; noise may be null.
// Returns 0, or 1 on an error.
int MaskdBenchMask(void* masker, std::int64_t batch_size, std::int64_t sequence_length,
                   std::int64_t token_bytes, double mask_ratio, std::uint64_t seed, int noise_source,
                   const void* tokens, void* kept_tokens, void* mask, void* ids_restore, void* noise) {
  maskd::MaskingSpec spec;
  spec.batch_size = batch_size;
  spec.sequence_length = sequence_length;
  spec.token_type = maskd::TokenType{.token_dim = token_bytes, .element_bytes = 1};
  spec.mask_ratio = mask_ratio;
  spec.seed = seed;
  spec.noise_source = static_cast<maskd::NoiseSource>(noise_source);
  spec.selection.kept_tokens = spec.selection.mask = spec.selection.ids_restore = true;
  spec.selection.noise = noise != nullptr;
  const auto plan = maskd::MakeMaskingPlan(spec);
  if (!plan.ok()) return 1;
  const maskd::MaskingBuffers buffers = {.tokens = static_cast<const std::byte*>(tokens),
                                         .kept_tokens = static_cast<std::byte*>(kept_tokens),
                                         .mask = static_cast<std::byte*>(mask),
                                         .ids_restore = static_cast<std::byte*>(ids_restore),
                                         .noise = static_cast<std::byte*>(noise)};
  return static_cast<maskd::Masker*>(masker)->Mask(*plan, buffers).ok() ? 0 : 1;
}

// The floor: one memcpy of the kept bytes.
void MaskdBenchCopy(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }

}  // extern "C"
