// What the cgroups of this process say.
#ifndef MASKD_KERNELS_CGROUP_FILES_H_
#define MASKD_KERNELS_CGROUP_FILES_H_

#include <filesystem>
#include <string>
#include <vector>

namespace maskd {

// The paths that file `v2_file` of a cgroup of version 2 has in those of this process,
// from its own outwards, and `v1_file` in those of version 1 of `controller`. Not all
// have to be there. `root` has proc and sys/fs/cgroup in it.
std::vector<std::filesystem::path> CgroupFiles(const std::filesystem::path& root,
                                               const std::string& controller, const std::string& v2_file,
                                               const std::string& v1_file);

}  // namespace maskd

#endif  // MASKD_KERNELS_CGROUP_FILES_H_
