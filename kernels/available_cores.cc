#include "kernels/available_cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "kernels/cgroup_files.h"

namespace maskd {
namespace {

namespace fs = std::filesystem;

// The mask of the kernel may be larger than cpu_set_t, on machines of more than 1024
// cores.
double CoresToRunOn() {
  for (int most = CPU_SETSIZE; most <= 1 << 20; most *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> cores(CPU_ALLOC(most),
                                                                 [](cpu_set_t* set) { CPU_FREE(set); });
    const std::size_t size = CPU_ALLOC_SIZE(most);
    if (sched_getaffinity(0, size, cores.get()) == 0) return CPU_COUNT_S(size, cores.get());
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

double ReadNumber(const fs::path& file) {
  std::string word;
  double number = 0;
  std::ifstream(file) >> word;
  return absl::SimpleAtod(word, &number) ? number : 0;
}

// Microseconds of CPU in a period of so many, as in "50000 100000" of version 2. A quota
// that is not set is "max" or, in version 1, -1.
double SharesOf(const fs::path& file) {
  double quota = 0;
  double period = 0;
  if (file.filename() == "cpu.max") {
    std::string words[2];
    std::ifstream(file) >> words[0] >> words[1];
    if (!absl::SimpleAtod(words[0], &quota) || !absl::SimpleAtod(words[1], &period)) return 0;
  } else {
    quota = ReadNumber(file);
    period = ReadNumber(file.parent_path() / "cpu.cfs_period_us");
  }
  return quota > 0 && period > 0 ? quota / period : 0;
}

}  // namespace

double AvailableCores(const fs::path& root) {
  double cores = CoresToRunOn();
  for (const fs::path& file : CgroupFiles(root, "cpu", "cpu.max", "cpu.cfs_quota_us")) {
    const double shares = SharesOf(file);
    if (shares > 0) cores = std::min(cores, shares);
  }
  return cores;
}

int AvailableWholeCores() { return std::max(1, static_cast<int>(std::ceil(AvailableCores()))); }

}  // namespace maskd
