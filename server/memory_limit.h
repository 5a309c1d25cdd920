// How much memory this process may use.
#ifndef MASKD_SERVER_MEMORY_LIMIT_H_
#define MASKD_SERVER_MEMORY_LIMIT_H_

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

#include "absl/status/status.h"

namespace maskd {

struct MemoryLimit {
  std::int64_t bytes = std::numeric_limits<std::int64_t>::max();
  std::string source = {};  // who sets it, for people
};

// The least of what the machine has and what the cgroups of this process, of
// version 1 or 2, allow it. What cannot be read sets no limit. `root` has proc
// and sys/fs/cgroup in it.
MemoryLimit FindMemoryLimit(const std::filesystem::path& root = "/");

// Returns FAILED_PRECONDITION if calls that fill a budget of `max_inflight_bytes`
// need more memory than `limit`, and says what to set.
absl::Status CheckBudgetFits(std::int64_t max_inflight_bytes, const MemoryLimit& limit);

}  // namespace maskd

#endif  // MASKD_SERVER_MEMORY_LIMIT_H_
