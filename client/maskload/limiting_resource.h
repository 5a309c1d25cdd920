// What keeps a server from more.
#ifndef MASKD_CLIENT_MASKLOAD_LIMITING_RESOURCE_H_
#define MASKD_CLIENT_MASKLOAD_LIMITING_RESOURCE_H_

#include <optional>
#include <string>

namespace maskd::maskload {

struct LoadOnResources {
  std::optional<double> server_cores_used = {};  // seconds of CPU a second
  double server_cores = 0;                       // that it may use; 0: not known
  double client_cores_used = 0;
  // Share of the CPU of this machine that was not idle, if the servers are on it.
  std::optional<double> machine_busy = {};
  int machine_cores = 0;
  double bytes_per_second = 0;  // in the direction that has more
  std::optional<double> link_bytes_per_second = {};
};

// One sentence. A resource of which 85 % were used is the limit: the server's CPU,
// the CPU that it shares with this client, or the link. If none is, the sentence
// says how much of each was used, and what is not known.
std::string NameLimit(const LoadOnResources& load);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_LIMITING_RESOURCE_H_
