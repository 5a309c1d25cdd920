#include "server/memory_limit.h"

#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "kernels/cgroup_files.h"

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
  for (const fs::path& file : CgroupFiles(root, "memory", "memory.max", "memory.limit_in_bytes"))
    ReadLimit(file, limit);
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
