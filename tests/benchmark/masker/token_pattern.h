// Tokens whose content follows from their place, so that kept tokens can be
// checked where they are, without the tokens.
#ifndef MASKD_TESTS_BENCHMARK_MASKER_TOKEN_PATTERN_H_
#define MASKD_TESTS_BENCHMARK_MASKER_TOKEN_PATTERN_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/benchmark/masker/batch_shape.h"

namespace maskd::bench {

// Fills tokens [bytes / 4] words on the host.
void FillTokens(std::span<std::byte> tokens);

// Enqueues the same on the device.
cudaError_t LaunchFillTokens(std::byte* tokens, std::int64_t bytes, cudaStream_t stream);

// Enqueues adding to `count` the number of words of kept_tokens [N, K, token_bytes]
// that are not those of token ids_keep [N, K] of such tokens. Device pointers.
cudaError_t LaunchCountWrongWords(const BatchShape& shape, const std::byte* kept_tokens,
                                  const std::int64_t* ids_keep, unsigned long long* count,
                                  cudaStream_t stream);

}  // namespace maskd::bench

#endif  // MASKD_TESTS_BENCHMARK_MASKER_TOKEN_PATTERN_H_
