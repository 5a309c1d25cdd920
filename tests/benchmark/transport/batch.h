// What every path of the benchmark is given, and what it has to return.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_BATCH_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "kernels/host_memory.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "kernels/masking_spec.h"

namespace maskd::transport {

// x of MAE's ViT-B: [N, 196, 768] float32, of which 49 tokens are kept.
inline constexpr std::int64_t kSequenceLength = 196;
inline constexpr std::int64_t kTokenDim = 768;
inline constexpr std::int64_t kElementBytes = 4;
inline constexpr std::int64_t kTokenBytes = kTokenDim * kElementBytes;
inline constexpr double kMaskRatio = 0.75;

// The largest N.
inline constexpr std::int64_t kMaxBatchSize = 256;

// Calls take these seeds in turn, so that what a call left in its buffers is
// wrong for the next.
inline constexpr std::uint64_t kNumSeeds = 4;

// What random_masking of facebookresearch/mae returns: kept tokens, mask and
// ids_restore, of seeded noise.
MaskingSpec RandomMaskingSpec(std::int64_t batch_size, std::uint64_t seed);

// The same without tokens.
MaskingSpec GenerateMaskSpec(std::int64_t batch_size, std::uint64_t seed);

// Bytes of the tokens and of the results of a batch.
std::int64_t BytesMoved(std::int64_t batch_size);

// Memory whose pages are faulted in.
class Pages {
 public:
  explicit Pages(std::int64_t bytes) : block_(AllocateHostBlock(static_cast<std::size_t>(bytes))) {}

  std::byte* data() const { return block_.bytes.data(); }
  std::span<std::byte> first(std::int64_t bytes) const {
    return block_.bytes.first(static_cast<std::size_t>(bytes));
  }

 private:
  HostBlock block_;
};

// Where the results of a call lie; kept_tokens is empty if none were asked for.
struct ResultSpans {
  std::span<const std::byte> mask;
  std::span<const std::byte> ids_restore;
  std::span<const std::byte> kept_tokens;
};

// What of `buffers` is written.
ResultSpans SpansOf(const ResultBytes& bytes, const MaskingBuffers& buffers);

// A batch with its right results for every seed, which the reference masker
// computed. Thread-safe.
class CheckedBatch {
 public:
  static absl::StatusOr<CheckedBatch> WithTokens(std::int64_t batch_size);
  static absl::StatusOr<CheckedBatch> MasksAlone(std::int64_t batch_size);

  CheckedBatch(CheckedBatch&&) = default;

  // Of a call: its specs have the seeds 0 to kNumSeeds - 1 in turn.
  const MaskingSpec& SpecOf(std::uint64_t call) const { return specs_[call % kNumSeeds]; }
  const ResultBytes& result_bytes() const { return result_bytes_; }

  // [N, L, token_bytes], no two tokens alike; empty without tokens.
  // They begin 64 bytes into a page, as large tensors of torch do: how fast the kernel
  // copies them depends on it (docs/performance.md).
  std::span<const std::byte> tokens() const { return tokens_; }

  // Returns DATA_LOSS unless every byte is that of the reference.
  absl::Status Check(std::uint64_t call, const ResultSpans& results) const;

 private:
  CheckedBatch() = default;

  // Adds the next seed, which `spec` has.
  absl::Status Add(const MaskingSpec& spec, Masker& reference);

  std::vector<MaskingSpec> specs_;
  ResultBytes result_bytes_;
  std::optional<Pages> pages_;  // of tokens_
  std::span<std::byte> tokens_;
  std::vector<std::vector<std::byte>> memory_;
  std::vector<ResultSpans> expected_;  // in memory_
};

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_BATCH_H_
