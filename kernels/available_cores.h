// How many cores this process may use.
#ifndef MASKD_KERNELS_AVAILABLE_CORES_H_
#define MASKD_KERNELS_AVAILABLE_CORES_H_

#include <filesystem>

namespace maskd {

// Those that its threads may run on (taskset, a container's --cpuset-cpus), or the share
// of time that its cgroups of version 1 or 2 allow it (a container's --cpus) if that is
// less, which need not be whole. `root` has proc and sys/fs/cgroup in it.
double AvailableCores(const std::filesystem::path& root = "/");

// The same rounded up: as many threads keep them busy.
int AvailableWholeCores();

}  // namespace maskd

#endif  // MASKD_KERNELS_AVAILABLE_CORES_H_
