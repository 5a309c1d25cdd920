// The subcommands of maskload.
#ifndef MASKD_CLIENT_MASKLOAD_COMMANDS_H_
#define MASKD_CLIENT_MASKLOAD_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <stop_token>

#include "absl/status/statusor.h"

namespace maskd::maskload {

// What maskload exits with. Where several hold, the first of kWrongResults,
// kFailed, kNotMet.
enum class ExitStatus {
  kFine = 0,          // calls that failed are in the report, and no objective forbade them
  kWrongResults = 1,  // a server sent a wrong byte
  kUsage = 2,         // wrong flags, or files that cannot be read or written
  kNotMet = 3,        // an objective was not met, or a report is worse than another
  kFailed = 4,        // no call succeeded, or the results could not be written
};

// What a subcommand does once its flags are parsed. INVALID_ARGUMENT is kUsage, any
// other error kFailed.
using Command = std::function<absl::StatusOr<ExitStatus>(const std::stop_token& stop)>;

// Each adds a subcommand to `app` and returns what runs it.
Command AddRunCommand(CLI::App& app);
Command AddSearchCommand(CLI::App& app);
Command AddCompareCommand(CLI::App& app);

// Parses the flags and runs what they say. Errors are one line on stderr.
ExitStatus RunMaskload(int argc, const char* const* argv, const std::stop_token& stop);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_COMMANDS_H_
