#include "kernels/cgroup_files.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace maskd {
namespace {

namespace fs = std::filesystem;

// `group` is relative to `mount`. A container may see its own group as the
// root, where the path that the kernel tells does not exist.
void AddFiles(const fs::path& mount, const fs::path& group, const std::string& file,
              std::vector<fs::path>& files) {
  for (fs::path path = group; !path.empty(); path = path.parent_path()) files.push_back(mount / path / file);
  files.push_back(mount / file);
}

}  // namespace

std::vector<fs::path> CgroupFiles(const fs::path& root, const std::string& controller,
                                  const std::string& v2_file, const std::string& v1_file) {
  std::vector<fs::path> files;
  const fs::path mount = root / "sys/fs/cgroup";
  // Lines of "ID:CONTROLLERS:/PATH"; the one of version 2 has no controllers.
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const fs::path group = fs::path(fields[2]).relative_path();
    const std::vector<absl::string_view> controllers = absl::StrSplit(fields[1], ',');
    if (fields[1].empty()) AddFiles(mount, group, v2_file, files);
    if (std::ranges::find(controllers, controller) != controllers.end())
      AddFiles(mount / controller, group, v1_file, files);
  }
  return files;
}

}  // namespace maskd
