#include "server/memory_limit.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace maskd {
namespace {

namespace fs = std::filesystem;

// What maskd takes beside its budget, by docs/operations.md ("Limits").
constexpr std::int64_t kBesideBudgetBytes = std::int64_t{256} << 20;

void LowerTo(std::int64_t bytes, const std::string& source, MemoryLimit& limit) {
  if (bytes < limit.bytes) limit = {.bytes = bytes, .source = source};
}

// A limit that is not set is "max" or, in version 1, more than any machine has.
void ReadLimit(const fs::path& file, MemoryLimit& limit) {
  std::string line;
  std::int64_t bytes = 0;
  if (std::getline(std::ifstream(file), line) && absl::SimpleAtoi(line, &bytes))
    LowerTo(bytes, absl::StrCat("the cgroup (", file.filename().string(), ")"), limit);
}

// `group` is relative to `mount`. A container may see its own group as the
// root, where the path that the kernel tells does not exist.
void ReadLimits(const fs::path& mount, const fs::path& group, const std::string& file, MemoryLimit& limit) {
  for (fs::path path = group; !path.empty(); path = path.parent_path()) ReadLimit(mount / path / file, limit);
  ReadLimit(mount / file, limit);
}

void ReadMachine(const fs::path& meminfo, MemoryLimit& limit) {
  std::ifstream file(meminfo);
  std::string name;
  std::int64_t kibibytes = 0;
  if (file >> name >> kibibytes && name == "MemTotal:") LowerTo(kibibytes << 10, "the machine", limit);
}

}  // namespace

MemoryLimit FindMemoryLimit(const fs::path& root) {
  MemoryLimit limit;
  ReadMachine(root / "proc/meminfo", limit);
  // Lines of "ID:CONTROLLERS:/PATH"; the one of version 2 has no controllers.
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const fs::path group = fs::path(fields[2]).relative_path();
    const std::vector<absl::string_view> controllers = absl::StrSplit(fields[1], ',');
    if (fields[1].empty()) ReadLimits(root / "sys/fs/cgroup", group, "memory.max", limit);
    if (std::ranges::find(controllers, "memory") != controllers.end())
      ReadLimits(root / "sys/fs/cgroup/memory", group, "memory.limit_in_bytes", limit);
  }
  return limit;
}

absl::Status CheckBudgetFits(std::int64_t max_inflight_bytes, const MemoryLimit& limit) {
  const std::int64_t room = limit.bytes - kBesideBudgetBytes;
  if (max_inflight_bytes <= room) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "--max_inflight_bytes=", max_inflight_bytes, " and ", kBesideBudgetBytes,
      " bytes beside it do not fit in the ", limit.bytes, " bytes that ", limit.source, " allows; ",
      room > 0 ? absl::StrCat("set --max_inflight_bytes to at most ", room, " or ") : "",
      "give maskd more memory"));
}

}  // namespace maskd
