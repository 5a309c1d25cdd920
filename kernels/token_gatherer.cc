#include "kernels/token_gatherer.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/thread_pool.h"

namespace maskd {
namespace {

// Work of one hand-over to a thread.
constexpr std::int64_t kRangeBytes = std::int64_t{1} << 20;

}  // namespace

TokenGatherer::TokenGatherer(int num_threads)
    : threads_(std::make_unique<ThreadPool>(ThreadsOrCores(num_threads))) {}

TokenGatherer::~TokenGatherer() = default;

void TokenGatherer::ForEach(std::span<const std::span<const std::byte>> fragments,
                            const std::function<void(std::int64_t, std::span<const std::byte>)>& take) {
  std::vector<std::int64_t> offsets;
  offsets.reserve(fragments.size());
  std::int64_t total = 0;
  for (const auto& fragment : fragments) {
    offsets.push_back(total);
    total += static_cast<std::int64_t>(fragment.size());
  }
  const auto count = static_cast<std::int64_t>(fragments.size());
  const std::int64_t ranges = total / kRangeBytes + 1;
  threads_->ForRanges(count, (count + ranges - 1) / ranges, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
      take(offsets[i], fragments[i]);
  });
}

void TokenGatherer::Gather(const KeptTokensLayout& layout,
                           std::span<const std::span<const std::byte>> fragments) {
  ForEach(fragments, [&layout](std::int64_t offset, std::span<const std::byte> bytes) {
    GatherTokenBytes(layout, offset, bytes);
  });
}

void TokenGatherer::Join(std::span<const std::span<const std::byte>> fragments, std::byte* destination) {
  ForEach(fragments, [destination](std::int64_t offset, std::span<const std::byte> bytes) {
    std::copy(bytes.begin(), bytes.end(), destination + offset);
  });
}

}  // namespace maskd
