// The gather stage on the host, on several threads.
#ifndef MASKD_KERNELS_TOKEN_GATHERER_H_
#define MASKD_KERNELS_TOKEN_GATHERER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "kernels/gather_token_bytes.h"

namespace maskd {

class ThreadPool;

// Thread-safe: calls may overlap.
class TokenGatherer {
 public:
  // On `num_threads` threads, the caller's included; 0 takes one a core.
  explicit TokenGatherer(int num_threads);
  ~TokenGatherer();

  // GatherTokenBytes of `fragments`, which are the tokens from their first byte
  // on; few bytes are gathered on the caller's thread alone.
  void Gather(const KeptTokensLayout& layout, std::span<const std::span<const std::byte>> fragments);

  // Copies `fragments` to `destination`, one behind the other.
  void Join(std::span<const std::span<const std::byte>> fragments, std::byte* destination);

 private:
  // Calls take(offset, fragment) for each, `offset` bytes behind the first.
  void ForEach(std::span<const std::span<const std::byte>> fragments,
               const std::function<void(std::int64_t, std::span<const std::byte>)>& take);

  const std::unique_ptr<ThreadPool> threads_;
};

}  // namespace maskd

#endif  // MASKD_KERNELS_TOKEN_GATHERER_H_
