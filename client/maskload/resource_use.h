// What this process and this machine use.
#ifndef MASKD_CLIENT_MASKLOAD_RESOURCE_USE_H_
#define MASKD_CLIENT_MASKLOAD_RESOURCE_USE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace maskd::maskload {

struct ResourceUse {
  double cpu_seconds = 0;              // of this process, user and system
  double machine_busy_seconds = 0;     // of all cores together, from the boot on
  double machine_seconds = 0;          // the same with idle ones; 0: not known
  std::int64_t peak_memory_bytes = 0;  // resident, of this process, ever
};

ResourceUse ResourcesNow();

// A property of something, for people.
struct Fact {
  std::string name;
  std::string value;
};

// Processor, cores, memory and system of this machine.
std::vector<Fact> MachineFacts();

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_RESOURCE_USE_H_
