#include "client/maskload/limiting_resource.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/maskload/format_figures.h"

namespace maskd::maskload {
namespace {

constexpr double kUsedUp = 0.85;

std::string OfCores(double used, double cores) {
  return cores == 0 ? absl::StrCat(FormatNumber(used), " cores")
                    : absl::StrCat(FormatNumber(used), " of ", cores, cores == 1 ? " core" : " cores");
}

std::string OfLink(const LoadOnResources& load) {
  return absl::StrCat(FormatBytes(load.bytes_per_second), "/s of ", FormatBytes(*load.link_bytes_per_second),
                      "/s");
}

}  // namespace

std::string NameLimit(const LoadOnResources& load) {
  const auto& server = load.server_cores_used;
  const std::string server_use = server.has_value() ? OfCores(*server, load.server_cores) : "unknown";
  if (server.has_value() && load.server_cores > 0 && *server >= kUsedUp * load.server_cores)
    return absl::StrCat("The server's CPU is the limit: ", server_use, ".");
  if (load.link_bytes_per_second.has_value() &&
      load.bytes_per_second >= kUsedUp * *load.link_bytes_per_second)
    return absl::StrCat("The link is the limit: ", OfLink(load), ".");
  if (load.machine_busy.has_value() && *load.machine_busy >= kUsedUp) {
    const double client = load.client_cores_used;
    std::string sentence =
        absl::StrCat("The CPU that server and client share is the limit: ", FormatPercent(*load.machine_busy),
                     " busy; server ", server_use, ", client ", FormatNumber(client));
    if (server.has_value()) {
      // Programs that have nothing to do with the run.
      const double others = std::max(0.0, *load.machine_busy * load.machine_cores - *server - client);
      absl::StrAppend(&sentence, ", others ", FormatNumber(others));
    }
    return sentence + ".";
  }
  std::string sentence = "No limit was reached that can be seen from here. The server's CPU: ";
  absl::StrAppend(&sentence, server_use, server.has_value() ? "" : " (--metrics tells it)", "; the link: ",
                  load.link_bytes_per_second.has_value() ? OfLink(load) : "unknown (--link_gbps tells it)");
  if (load.machine_busy.has_value())
    absl::StrAppend(&sentence, "; this machine: ", FormatPercent(*load.machine_busy), " busy");
  return sentence + ".";
}

}  // namespace maskd::maskload
