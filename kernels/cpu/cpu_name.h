// What the vendor calls this machine's processor.
#ifndef MASKD_KERNELS_CPU_CPU_NAME_H_
#define MASKD_KERNELS_CPU_CPU_NAME_H_

#include <fstream>
#include <string>

namespace maskd {

// The model name of /proc/cpuinfo, or "CPU" where it has none.
inline std::string CpuName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (const auto value = line.find(": "); line.starts_with("model name") && value != std::string::npos) {
      return line.substr(value + 2);
    }
  }
  return "CPU";
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_CPU_NAME_H_
