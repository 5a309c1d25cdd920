#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "kernels/cpu/cpu_name.h"
#include "kernels/cpu/draw_noise.h"
#include "kernels/cpu/rank_keys.h"
#include "kernels/cpu/scratch_array.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/cpu/write_results.h"
#include "kernels/gather_token_bytes.h"
#include "kernels/masker.h"
#include "kernels/noise_key.h"
#include "kernels/torch_cpu_stream.h"

namespace maskd {
namespace {

// Work of one range of samples: large enough that its scratch memory and the
// hand-over to a thread do not show, small enough to share a batch evenly.
constexpr std::int64_t kRangeTokens = 2048;

// Draws of TorchCpuStream held at a time.
constexpr std::int64_t kTorchChunkTokens = std::int64_t{1} << 20;

// Masks one sequence after another, reusing its scratch memory.
class SequenceMasker {
 public:
  SequenceMasker(const MaskingPlan& plan, const MaskingBuffers& buffers)
      : plan_(plan),
        buffers_(buffers),
        ranker_(plan.sequence_length, KeyBits(plan.noise_source),
                plan.noise_source != NoiseSource::kProvided),
        keys_(static_cast<std::size_t>(plan.sequence_length)),
        ids_shuffle_(keys_.elements().size()),
        ids_restore_(keys_.elements().size()) {}

  // Noise, then the rest.
  void Mask(std::int64_t n) {
    DrawNoise(plan_, n, keys_.elements(), NoiseOut(n));
    MaskByKeys(n, keys_.elements());
  }

  // For noise drawn before.
  void MaskDrawn(std::int64_t n, std::span<const std::uint32_t> keys) {
    if (NoiseOut(n) != nullptr) WriteDrawnNoise(keys, NoiseOut(n));
    MaskByKeys(n, keys);
  }

 private:
  std::byte* NoiseOut(std::int64_t n) const {
    return plan_.selection.noise ? buffers_.noise + n * plan_.sequence_length * 4 : nullptr;
  }

  void MaskByKeys(std::int64_t n, std::span<const std::uint32_t> keys) {
    const std::span<std::uint32_t> ids_shuffle = ids_shuffle_.elements();
    const std::span<std::uint32_t> ids_restore = ids_restore_.elements();
    ranker_.Rank(keys, ids_shuffle, ids_restore);
    if (plan_.selection.kept_order == KeptOrder::kRaster)
      OrderKeptByIndex(plan_.num_keep, ids_shuffle, ids_restore);
    WriteMaskAndIds(plan_, n, ids_shuffle, ids_restore, buffers_);
    if (!plan_.selection.kept_tokens || plan_.num_keep == 0) return;
    const std::int64_t sequence_bytes = plan_.sequence_length * plan_.token_bytes;
    GatherTokenBytes({.ids_restore = reinterpret_cast<const std::byte*>(ids_restore.data()),
                      .ids_type = IdsType::kInt32,
                      .kept_tokens = buffers_.kept_tokens + n * plan_.num_keep * plan_.token_bytes,
                      .sequence_length = plan_.sequence_length,
                      .num_keep = plan_.num_keep,
                      .token_bytes = plan_.token_bytes},
                     0, {buffers_.tokens + n * sequence_bytes, static_cast<std::size_t>(sequence_bytes)});
  }

  const MaskingPlan& plan_;
  const MaskingBuffers& buffers_;
  KeyRanker ranker_;
  using Scratch = ScratchArray<std::uint32_t, 256>;
  Scratch keys_;
  Scratch ids_shuffle_;
  Scratch ids_restore_;
};

// Why a call ends early. Thread-safe.
class EarlyEnd {
 public:
  // To be made on the caller's thread.
  explicit EarlyEnd(const IsCancelled& is_cancelled) : is_cancelled_(is_cancelled) {}

  // Whether work is in vain.
  bool Happened() {
    if (std::this_thread::get_id() == caller_ && is_cancelled_()) cancelled_ = true;
    return cancelled_ || out_of_memory_;
  }

  void SetOutOfMemory() { out_of_memory_ = true; }

  absl::Status status() const {
    if (out_of_memory_) {
      return absl::ResourceExhaustedError("no memory for the scratch space of masking; send a smaller batch");
    }
    if (cancelled_) return absl::CancelledError("the caller has gone");
    return absl::OkStatus();
  }

 private:
  const IsCancelled& is_cancelled_;
  const std::thread::id caller_ = std::this_thread::get_id();
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> out_of_memory_ = false;
};

class CpuMasker final : public Masker {
 public:
  using Masker::Mask;

  explicit CpuMasker(int num_threads) : threads_(num_threads) {}

  absl::Status Mask(const MaskingPlan& plan, const MaskingBuffers& buffers,
                    const IsCancelled& is_cancelled) override {
    EarlyEnd early_end(is_cancelled);
    if (plan.noise_source == NoiseSource::kTorchCpu) {
      MaskTorchCpu(plan, buffers, early_end);
    } else {
      MaskRanges(plan, buffers, 0, plan.batch_size, early_end,
                 [](SequenceMasker& masker, std::int64_t n) { masker.Mask(n); });
    }
    return early_end.status();
  }

  bool waits() const override { return false; }
  std::string backend() const override { return "cpu"; }
  std::string device_name() const override { return CpuName(); }

 private:
  // Calls mask_one(masker, n) for n in [first, last), each range of samples
  // with a masker of its own.
  template <typename MaskOne>
  void MaskRanges(const MaskingPlan& plan, const MaskingBuffers& buffers, std::int64_t first,
                  std::int64_t last, EarlyEnd& early_end, const MaskOne& mask_one) {
    // Asked here too: the other threads may take all ranges before this one has
    // its first.
    if (early_end.Happened()) return;
    const std::int64_t grain = std::max<std::int64_t>(1, kRangeTokens / plan.sequence_length);
    const auto mask_range = [&](std::int64_t begin, std::int64_t end) {
      if (early_end.Happened()) return;
      try {
        SequenceMasker masker(plan, buffers);
        for (std::int64_t n = first + begin; n < first + end; ++n) mask_one(masker, n);
      } catch (const std::bad_alloc&) {
        early_end.SetOutOfMemory();
      }
    };
    // By reference: a copy would be on the heap.
    threads_.ForRanges(last - first, grain, std::cref(mask_range));
  }

  // The draws are one stream over the batch: drawn in order, a chunk at a
  // time, and ranked by all threads.
  void MaskTorchCpu(const MaskingPlan& plan, const MaskingBuffers& buffers, EarlyEnd& early_end) {
    const std::int64_t length = plan.sequence_length;
    const std::int64_t chunk = std::clamp<std::int64_t>(kTorchChunkTokens / length, 1, plan.batch_size);
    std::vector<std::uint32_t> draws;
    try {
      draws.resize(static_cast<std::size_t>(chunk * length));
    } catch (const std::bad_alloc&) {
      return early_end.SetOutOfMemory();
    }
    TorchCpuStream stream(plan.seed);
    if (!stream.Skip(plan.torch_skip, [&early_end] { return early_end.Happened(); })) return;
    for (std::int64_t first = 0; first < plan.batch_size && !early_end.Happened(); first += chunk) {
      const std::int64_t last = std::min(first + chunk, plan.batch_size);
      stream.Draw(std::span(draws).first(static_cast<std::size_t>((last - first) * length)));
      MaskRanges(plan, buffers, first, last, early_end, [&](SequenceMasker& masker, std::int64_t n) {
        masker.MaskDrawn(n, {draws.data() + (n - first) * length, static_cast<std::size_t>(length)});
      });
    }
  }

  ThreadPool threads_;
};

}  // namespace

std::unique_ptr<Masker> MakeCpuMasker(int num_threads) {
  return std::make_unique<CpuMasker>(ThreadsOrCores(num_threads));
}

}  // namespace maskd
