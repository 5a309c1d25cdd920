// Configuration by environment variables, for containers.
#ifndef MASKD_SERVER_ENVIRONMENT_H_
#define MASKD_SERVER_ENVIRONMENT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace maskd {

// The variable that stands for a flag: MASKD_DRAIN_SECONDS for "drain_seconds".
std::string VariableOfFlag(absl::string_view flag);

// Returns INVALID_ARGUMENT if `environment`, of "NAME=value" strings, has a
// variable MASKD_* that is none of `known`, and names the nearest that is. What
// Kubernetes sets for a service whose name begins with maskd, and what this
// project's clients, builds and tests read, is passed over.
absl::Status CheckEnvironment(const std::vector<std::string>& environment,
                              const std::vector<std::string>& known);

// That of this process.
std::vector<std::string> ProcessEnvironment();

}  // namespace maskd

#endif  // MASKD_SERVER_ENVIRONMENT_H_
